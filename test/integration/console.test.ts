/**
 * The console beside the system: it sees what happens and passes it on, and the system does not see it, not even when it dies.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { after, before, test } from 'node:test';
import type { LogRecord, System } from '@countersign/local-stack';
import { call } from './json-client.ts';
import { type OtlpReceiver, startOtlpReceiver } from './otlp-receiver.ts';
import { startTestSystem } from './test-system.ts';

const SEEN_WITHIN_MS = 20_000;
let collector: OtlpReceiver;
let system: System;

before(async () => {
  collector = await startOtlpReceiver();
  system = await startTestSystem({ console: true, env: { ...process.env, ...collector.env } });
  await heard((record) => record['event'] === 'ready');
});
after(async () => {
  await system?.stop();
  await collector?.close();
});

const heard = (predicate: (record: LogRecord) => boolean) => system.waitForLog('console', predicate, 60_000);

/** Places an order, which must succeed; gives its trace ID. */
async function placeOrder(via: 'http' | 'grpc'): Promise<string> {
  const body = { item: 'tea', quantity: 1, customer: 'Ada', via };
  const answer = await call(`${system.customerUrl}/api/orders`, { body });
  assert.equal(answer.status, 201, answer.text);
  return String(answer.body?.['trace_id']);
}

/** Reads the page's stream of events until a text has come in it. */
async function shown(text: string): Promise<void> {
  const events = request(`${system.consoleUrl}/api/events`, {
    agent: false,
    signal: AbortSignal.timeout(SEEN_WITHIN_MS),
  });
  const [answer]: IncomingMessage[] = await once(events.end(), 'response');
  assert.equal(answer?.statusCode, 200);
  let read = '';
  for await (const chunk of answer ?? []) {
    read += String(chunk);
    if (read.includes(text)) return;
  }
  assert.fail(`${text} was not shown: ${read.slice(0, 2_000)}`);
}

test('an order is shown, and goes on to the Collector that the user named', async () => {
  const traceId = await placeOrder('grpc');
  await shown(traceId);
  await collector.waitFor(() => collector.spans.some((span) => span.traceId === traceId), SEEN_WITHIN_MS);
});

test('killed, it takes nothing with it, and is started again', async () => {
  const before = system.findLogs('console', (record) => record['event'] === 'ready').length;
  const pid = system.pidOf('console');
  assert.ok(pid !== undefined);
  process.kill(pid, 'SIGKILL');
  const ended = await heard((record) => record['event'] === 'ended');
  assert.match(String(ended['message']), /SIGKILL[\s\S]*everything else goes on/);
  for (const via of ['http', 'grpc'] as const) await placeOrder(via);
  await heard(
    (record) =>
      record['event'] === 'ready' && system.findLogs('console', ({ event }) => event === 'ready').length > before,
  );
  assert.notEqual(system.pidOf('console'), pid);
  await shown(await placeOrder('http'));
  const failed = await Promise.race([system.failed, Promise.resolve('runs')]);
  assert.equal(failed, 'runs');
});

test('stopped on purpose, it stays so, and nobody misses it', async () => {
  await system.kill('console', 'SIGTERM');
  await placeOrder('http');
  await assert.rejects(call(`${system.consoleUrl}/api/session`), { code: 'ECONNREFUSED' });
  await system.restart('console');
  await shown(await placeOrder('grpc'));
});
