/** The decision log as a service gets it from its settings: the real log, and a real receiver over mutual TLS. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import type { DecisionRecord } from '@countersign/authz';
import {
  authorizeId,
  createSpiffeHttpsServer,
  createStaticX509Source,
  peerOf,
  SpiffeId,
  type StaticX509Source,
} from '@countersign/spiffe-tls';
import { createLogger } from '@countersign/telemetry';
import { createTestCa } from '@countersign/testkit';
import { listenUntilEnd } from '../test/listen.ts';
import { loadConfigs } from './config.ts';
import { decisionLogProblems, decisionLogSettings } from './decision-log-settings.ts';
import { createDecisionSinks } from './decision-sinks.ts';

const ca = await createTestCa({ trustDomain: 'example.org' });
const RECEIVER = 'spiffe://example.org/decisions';
const SHOP = 'spiffe://example.org/shop';

const record: DecisionRecord = {
  decision_id: 'id-1',
  path: 'countersign/authz/decision',
  error: { code: 'PEER_NOT_VERIFIED', message: 'no peer' },
  timestamp: '2026-11-29T00:00:00.000Z',
  metrics: { timer_rego_query_eval_ns: 0 },
};

function configOf(env: Readonly<Record<string, string>>) {
  return loadConfigs(decisionLogSettings, {}, { env, args: [], check: decisionLogProblems })[0];
}

async function sourceOf(t: TestContext, id: string): Promise<StaticX509Source> {
  const source = createStaticX509Source(ca.context(await ca.issue({ path: SpiffeId.parse(id).path })));
  t.after(() => source.close());
  return source;
}

/** A decision log, and the lines of the process's log. */
async function openLog(t: TestContext, env: Readonly<Record<string, string>>) {
  const lines: Array<Record<string, unknown>> = [];
  const logger = createLogger({ service: 'shop', destination: { write: (line) => void lines.push(JSON.parse(line)) } });
  const source = await sourceOf(t, SHOP);
  const log = createDecisionSinks({ config: configOf(env), logger, source, service: 'shop', version: '1.2.3' });
  t.after(() => log.close());
  return { log, lines };
}

/** A receiver with an SVID. Returns what it was sent, by whom. */
async function startReceiver(t: TestContext, id: string) {
  const received: Array<{ readonly peer: string; readonly path: string; readonly events: unknown }> = [];
  const options = { source: await sourceOf(t, id), authorize: authorizeId(SpiffeId.parse(SHOP)) };
  const server = createSpiffeHttpsServer(options, async (request, response) => {
    const events: unknown = JSON.parse(gunzipSync(Buffer.concat(await request.toArray())).toString());
    received.push({ peer: `${peerOf(request)?.id}`, path: request.url ?? '', events });
    response.end();
  });
  const port = await listenUntilEnd(t, server);
  return { url: `https://127.0.0.1:${port}`, received };
}

const endpoint = { DECISION_LOG: 'log, endpoint', DECISION_LOG_PEER_ID: RECEIVER, DECISION_LOG_PARTITION: 'shop' };

test('by default a decision is a line of the log, in the shape of OPA', async (t) => {
  const { log, lines } = await openLog(t, {});
  log.record(record);
  const { level, time, ...line } = lines[0] ?? {};
  assert.equal(level, 'info');
  assert.equal(typeof time, 'string');
  const labels = { id: Object(line['labels']).id, service: 'shop', version: '1.2.3' };
  assert.deepEqual(line, { service: 'shop', event: 'decision', labels, ...record });
  assert.deepEqual(log.stats().sinks, {});
});

test('the endpoint gets the same event over mutual TLS, under our SVID', async (t) => {
  const { url, received } = await startReceiver(t, RECEIVER);
  const { log, lines } = await openLog(t, { ...endpoint, DECISION_LOG_URL: url });
  log.record(record);
  await log.close();
  assert.equal(received.length, 1);
  assert.equal(received[0]?.peer, SHOP);
  assert.equal(received[0]?.path, '/logs/shop');
  assert.deepEqual(received[0]?.events, [{ labels: lines[0]?.['labels'], ...record }]);
});

test('a receiver with another ID gets nothing', async (t) => {
  const { url, received } = await startReceiver(t, 'spiffe://example.org/impostor');
  const { log, lines } = await openLog(t, { ...endpoint, DECISION_LOG_URL: url });
  log.record(record);
  await log.close();
  assert.deepEqual(received, []);
  const { sent, dropped } = log.stats().sinks['endpoint'] ?? {};
  assert.deepEqual([sent, dropped?.closed], [0, 1]);
  assert.ok(lines.some(({ event, state }) => event === 'decision_log' && state === 'failing'));
});

test('OTLP without a provider is counted as lost, not as sent', async (t) => {
  const { log } = await openLog(t, { DECISION_LOG: 'log,otlp' });
  log.record(record);
  assert.equal(log.stats().sinks['otlp']?.sent, 0);
  assert.equal(log.stats().sinks['otlp']?.dropped.failed, 1);
});

test('masks are a list of paths, JSON, or a file of either', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'decision-masks-'));
  t.after(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'masks.json'), '[{"op":"remove","path":"/input/a"}]\n');
  const masksOf = (text: string) => configOf({ DECISION_LOG_MASK: text }).decisionLogMasks;
  assert.deepEqual(masksOf('/input/a, /result/b'), ['/input/a', '/result/b']);
  assert.deepEqual(masksOf('["/input/a"]'), ['/input/a']);
  assert.deepEqual(masksOf(`file:${join(folder, 'masks.json')}`), [{ op: 'remove', path: '/input/a' }]);
  assert.deepEqual(masksOf(''), []);
});

const url = 'https://127.0.0.1:1';
for (const [what, env, problem] of [
  ['no delivery', { DECISION_LOG: ',' }, /^DECISION_LOG must be/],
  ['an unknown delivery', { DECISION_LOG: 'log,kafka' }, /^DECISION_LOG must be/],
  ['a delivery twice', { DECISION_LOG: 'log,log' }, /^DECISION_LOG must be/],
  ['an endpoint without a URL', { DECISION_LOG: 'endpoint' }, /^DECISION_LOG_URL is required/],
  ['https to nobody in particular', { DECISION_LOG: 'endpoint', DECISION_LOG_URL: url }, /^DECISION_LOG_PEER_ID is/],
  [
    'an ID that plain http does not verify',
    { ...endpoint, DECISION_LOG_URL: 'http://127.0.0.1:1' },
    /^DECISION_LOG_PEER_ID needs/,
  ],
  ['a URL that is not used', { DECISION_LOG_URL: url }, /^DECISION_LOG must have endpoint/],
  ['no URL', { ...endpoint, DECISION_LOG_URL: 'decisions' }, /^DECISION_LOG_URL must be a URL/],
  [
    'a mask of another part',
    { DECISION_LOG_MASK: '/labels/id' },
    /^DECISION_LOG_MASK decision log masks: path must begin/,
  ],
  ['broken JSON of masks', { DECISION_LOG_MASK: '["/input/a"' }, /^DECISION_LOG_MASK /],
  ['a file of masks that is missing', { DECISION_LOG_MASK: 'file:/nonexistent/masks' }, /^DECISION_LOG_MASK ENOENT/],
  [
    'delays in the wrong order',
    { DECISION_LOG_MIN_DELAY_MS: '10', DECISION_LOG_MAX_DELAY_MS: '9' },
    /^DECISION_LOG_MIN_DELAY_MS must not/,
  ],
  ['a delay in words', { DECISION_LOG_MIN_DELAY_MS: '1s' }, /^DECISION_LOG_MIN_DELAY_MS must be an integer/],
  ['no buffer', { DECISION_LOG_BUFFER_EVENTS: '0' }, /^DECISION_LOG_BUFFER_EVENTS must be/],
] satisfies ReadonlyArray<readonly [string, Record<string, string>, RegExp]>) {
  test(`settings refused: ${what}`, () => {
    assert.throws(
      () => configOf(env),
      (error: unknown) => problem.test(String(Object(error).problems?.[0])),
    );
  });
}

for (const [what, wrong] of [
  ['plain http to another host', { DECISION_LOG_URL: 'http://decisions.example' }],
  ['a password in the URL', { DECISION_LOG_URL: 'http://a:b@127.0.0.1:1' }],
  ['a partition that climbs', { DECISION_LOG_URL: 'http://127.0.0.1:1', DECISION_LOG_PARTITION: '../admin' }],
] satisfies ReadonlyArray<readonly [string, Record<string, string>]>) {
  test(`refused at the start: ${what}`, async (t) => {
    await assert.rejects(openLog(t, { DECISION_LOG: 'endpoint', ...wrong }), { code: 'CONFIG_INVALID' });
  });
}

test('a receiver that takes connections and says nothing holds the end up for a second, not for all that is left', async (t) => {
  const silent = createServer().listen(0, '127.0.0.1');
  await once(silent, 'listening');
  t.after(() => silent.close());
  const address = silent.address();
  assert.ok(typeof address === 'object' && address !== null);
  const { log } = await openLog(t, { ...endpoint, DECISION_LOG_URL: `https://127.0.0.1:${address.port}` });
  const connected = once(silent, 'connection');
  log.record(record);
  const startedMs = performance.now();
  const closed = log.close();
  const [socket] = await connected;
  t.after(() => socket.destroy());
  await closed;
  const tookMs = performance.now() - startedMs;
  assert.ok(tookMs > 900 && tookMs < 1_700, `${tookMs} ms`);
  assert.equal(log.stats().sinks['endpoint']?.dropped.closed, 1, 'and what it did not take is counted');
});
