/**
 * A real OPA and this package's decision log side by side: the same bundle, the same inputs and the same masks, delivered to
 * the same receiver. Events must have the same shape and hide the same values.
 */
import assert from 'node:assert/strict';
import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createDecisionLog, createEndpointSink, createPolicyEngine, type PolicyInput } from '@countersign/authz';
import { createDecisionRecord } from '../../packages/authz/src/decision-record.ts';
import { type LogReceiver, startLogReceiver } from '../../packages/authz/test/log-receiver.ts';
import { findOpa } from '../../scripts/opa.mjs';
import { startPeer } from './peer-process.ts';
import { freePort, runProgram, scratchDirectory } from './program.ts';

const policies = fileURLToPath(new URL('../../policies/', import.meta.url));
const opa = findOpa();

/** One set of masks a test. Those that find nothing must not be said to have been applied, on either side. */
const MASKS: Readonly<Record<string, readonly unknown[]>> = {
  none: [],
  names: ['/input/peer/spiffe_id', '/input/resource/attributes/customer', '/result/reason'],
  lists: ['/input/peer/path/0', '/input/http/path/1', '/input/resource/attributes/list/1/2'],
  'what is not there': [
    '/input/absent',
    '/input/absent/deep',
    '/input/peer/path/9',
    '/input/peer/path/-1',
    '/input/peer/path/x',
    '/input/operation/x',
    { op: 'upsert', path: '/input/operation/x', value: 1 },
    { op: 'upsert', path: '/input/peer/path/9', value: 1 },
  ],
  'other values': [
    { op: 'upsert', path: '/input/peer/spiffe_id', value: '[masked]' },
    { op: 'upsert', path: '/input/new/deep', value: { a: [1, null] } },
    { op: 'upsert', path: '/input/http/path/+1', value: null },
    { op: 'upsert', path: '/result/rule', value: false },
  ],
  'the whole input': ['/input'],
  'the whole result': ['/result'],
  'another input': [{ op: 'upsert', path: '/input', value: { gone: true } }],
};

const input: PolicyInput = {
  transport: 'http',
  operation: 'GET /orders/{id}',
  http: { method: 'GET', path: ['orders', 'order-7'] },
  resource: { kind: 'order', id: 'order-7', attributes: { customer: 'Ada', list: [{ a: 1 }, ['x', 'y', 'z']] } },
  self: { spiffe_id: 'spiffe://example.org/backend' },
  peer: { spiffe_id: 'spiffe://example.org/customer', trust_domain: 'example.org', path: ['customer'] },
  chain: [],
  time: '2026-11-29T00:00:00.000Z',
};

type Event = Readonly<Record<string, unknown>>;

/** A bundle of the project's rules with masks beside them; what OPA logs of one question. */
async function askOpa(t: TestContext, receiver: LogReceiver, masks: readonly unknown[]): Promise<Event> {
  const directory = await scratchDirectory(t);
  const sources = join(directory, 'policy');
  await mkdir(sources);
  await cp(join(policies, 'rules', 'authz.rego'), join(sources, 'authz.rego'));
  await writeFile(join(sources, 'data.json'), '{"grants":{}}');
  // Ordered, as ours are: OPA's documentation has a set, which it sorts.
  await writeFile(join(sources, 'mask.rego'), `package system.log\n\nmask := ${JSON.stringify(masks)}\n`);
  const bundle = join(directory, 'bundle.tar.gz');
  const built = await runProgram(t, { command: opa, args: ['build', '-b', sources, '-r', 'r1', '-o', bundle] });
  assert.equal(built.code, 0, built.text);
  const port = await freePort();
  const settings = {
    'services.receiver.url': receiver.url.origin,
    'decision_logs.service': 'receiver',
    'decision_logs.partition_name': 'opa',
    'decision_logs.reporting.min_delay_seconds': '1',
    'decision_logs.reporting.max_delay_seconds': '1',
  };
  const set = Object.entries(settings).flatMap(([name, value]) => ['--set', `${name}=${value}`]);
  const args = ['run', '--server', '--addr', `127.0.0.1:${port}`, '--disable-telemetry', ...set, '-b', bundle];
  const server = startPeer(t, { command: opa, args });
  await server.line(({ msg }) => msg === 'Initializing server.', 'the server starts');
  const answer = await ask(`http://127.0.0.1:${port}/v1/data/countersign/authz/decision`);
  assert.equal(typeof Object(answer).decision_id, 'string');
  const event = await eventAt(receiver, '/logs/opa');
  await server.stop();
  return event;
}

/** Asked again while nothing listens yet: the line comes before the socket. */
async function ask(url: string): Promise<unknown> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      const response = await fetch(url, { method: 'POST', body: JSON.stringify({ input }) });
      return await response.json();
    } catch (error) {
      if (attempt === 1000) throw error;
      await new Promise(setImmediate);
    }
  }
}

/** What this package logs of the same question. */
async function askOurs(receiver: LogReceiver, masks: readonly unknown[]): Promise<Event> {
  const engine = await createPolicyEngine({ bundlePath: join(policies, 'bundle.tar.gz') });
  const result = engine.decide(input, 'ours');
  engine.close();
  const sink = createEndpointSink({ url: receiver.url, partition: 'ours' });
  const log = createDecisionLog({ service: 'backend', version: '1', masks, sinks: [sink] });
  log.record(createDecisionRecord({ decisionId: 'ours', input, result, nowMs: Date.now(), durationNs: 1 }));
  await log.close();
  return eventAt(receiver, '/logs/ours');
}

async function eventAt(receiver: LogReceiver, path: string): Promise<Event> {
  for (let count = 1; ; count += 1) {
    await receiver.arrived(count);
    const upload = receiver.uploads.find((candidate) => candidate.path === path);
    if (upload !== undefined) return Object(JSON.parse(upload.json)[0]);
  }
}

const typesOf = (event: Event) =>
  Object.fromEntries(
    Object.entries(event).map(([name, value]) => [name, Array.isArray(value) ? 'list' : typeof value]),
  );

for (const [what, masks] of Object.entries(MASKS)) {
  test(`OPA and ours log the same of one decision, masks: ${what}`, async (t) => {
    const receiver = await startLogReceiver(t);
    const ours = await askOurs(receiver, masks);
    const theirs = await askOpa(t, receiver, masks);
    for (const part of ['input', 'path', 'erased', 'masked']) assert.deepEqual(ours[part], theirs[part], part);
    // The data differ, but rules without a grant refuse alike.
    assert.deepEqual(ours['result'], theirs['result']);
    // A request's number is OPA's server's own; who asked goes with the input that a mask took away.
    const { req_id: _, requested_by: theirClient, ...rest } = typesOf(theirs);
    const { requested_by: ourClient, ...own } = typesOf(ours);
    assert.equal(theirClient, 'string');
    assert.ok(ourClient === 'string' || masks.length > 0);
    assert.deepEqual(own, rest);
    for (const { headers } of receiver.uploads) {
      assert.equal(headers['content-type'], 'application/json');
      assert.equal(headers['content-encoding'], 'gzip');
    }
    assert.ok(Object.keys(Object(theirs['metrics'])).includes('timer_rego_query_eval_ns'));
    assert.deepEqual(Object.keys(Object(ours['metrics'])), ['timer_rego_query_eval_ns']);
    assert.ok(Object.keys(Object(theirs['labels'])).every((label) => label in Object(ours['labels'])));
    assert.match(String(theirs['timestamp']), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    assert.match(String(ours['timestamp']), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  });
}
