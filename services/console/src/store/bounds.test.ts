/** Whoever can send telemetry can invent anything: what is kept stays bounded, and what is real is not pushed out. */
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { LIMITS } from './limits.ts';
import { createStore, type Store } from './store.ts';
import { DENIED, decision, identity, idOf, metrics, refused, request, START, span } from './test/telemetry.ts';

let nowMs: number;
let store: Store;

beforeEach(() => {
  nowMs = START;
  store = createStore({ now: () => nowMs });
});

const names = () => new Set(store.snapshot().workloads.map(({ name }) => name));
const hex = (number: number, digits: number) => (number + 1).toString(16).padStart(digits, '0');

test('ten thousand invented peers leave the real ones in place', () => {
  store.takeLogs([identity({ service: 'backend', at: START }, 'AA')]);
  store.takeLogs([request({ service: 'backend', peer: 'customer', at: START })]);
  for (let index = 0; index < 10_000; index += 1) {
    nowMs += 10;
    store.takeLogs([refused({ service: 'backend', at: nowMs }, 'UNTRUSTED_CHAIN', idOf(`x${index}`))]);
  }
  const { workloads, edges, refusals } = store.snapshot();
  assert.ok(workloads.length <= LIMITS.workloads && edges.length <= LIMITS.edges);
  assert.ok(names().has('backend') && names().has('customer'));
  assert.ok(edges.some(({ from }) => from === idOf('customer')));
  assert.equal(refusals.length, 200);
  assert.equal(refusals[0]?.seq, 10_000);
  // No edge hangs in the air.
  const ids = new Set(workloads.map(({ id }) => id));
  assert.deepEqual(
    edges.filter(({ from, to }) => !ids.has(from) || !ids.has(to)),
    [],
  );
});

test('edges between workloads that are few', () => {
  for (let from = 0; from < 60; from += 1)
    for (let to = 0; to < 30; to += 1) store.takeLogs([request({ service: `s${to}`, peer: `p${from}`, at: START })]);
  assert.equal(store.snapshot().edges.length, LIMITS.edges);
});

test('invented processes of one workload, and of none', () => {
  for (let index = 0; index < 1_000; index += 1) {
    store.takeLogs([identity({ service: 'backend', instance: `${index}`, at: START }, 'AA')]);
    store.takeMetrics(metrics({ service: 'nobody', instance: `${index}`, at: START }).slice(0, 1));
  }
  const [backend, ...others] = store.snapshot().workloads;
  assert.deepEqual([backend?.instances.length, others], [LIMITS.instances, []]);
});

test('traces by number: those of refused calls outlast those that were let in', () => {
  const attributes = { 'authz.decision': 'deny' };
  store.takeSpans([span({ service: 'backend', at: START, spanId: hex(0, 16), traceId: hex(0, 32), attributes })]);
  for (let index = 1; index < 5_000; index += 1)
    store.takeSpans([span({ service: 'backend', at: START, spanId: hex(index, 16), traceId: hex(index, 32) })]);
  assert.equal(store.trace(hex(0, 32))?.outcome, 'deny');
  assert.equal(store.trace(hex(1, 32)), undefined);
  assert.notEqual(store.trace(hex(4_999, 32)), undefined);
  assert.equal(store.snapshot().traces.length, 200);
});

test('spans of one trace by number, and they are counted all the same', () => {
  store.takeSpans(
    Array.from({ length: 2_000 }, (_, index) => span({ service: 's', at: START, spanId: hex(index, 16) })),
  );
  const [trace] = store.snapshot().traces;
  assert.equal(trace?.spans, 2_000);
  assert.equal(store.trace(trace?.traceId ?? '')?.tree.length, LIMITS.spansOfTrace);
});

test('traces and decisions by bytes', () => {
  const long = Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`a${index}`, 'x'.repeat(5_000)]));
  for (let index = 0; index < 1_000; index += 1) {
    store.takeSpans([
      span({ service: 's', at: START, spanId: hex(index, 16), traceId: hex(index, 32), attributes: long }),
    ]);
    const event = decision({ service: 'backend', at: START }, `d${index}`, true);
    store.takeLogs([{ ...event, body: { decision_id: `d${index}`, result: { allow: true }, long } }]);
  }
  assert.ok(store.bytes < LIMITS.bytesOfTraces + LIMITS.bytesOfDecisions, `${store.bytes}`);
  const { event } = store.decision('d999') ?? assert.fail();
  assert.match(JSON.stringify(event), /left_out/);
});

test('decisions that deny outlast those that allow', () => {
  store.takeLogs([decision({ service: 'backend', at: START }, 'no', false)]);
  for (let index = 0; index < 5_000; index += 1)
    store.takeLogs([decision({ service: 'backend', at: START }, `yes${index}`, true)]);
  assert.equal(store.decision('no')?.allow, false);
  assert.equal(store.decision('yes0'), undefined);
  assert.equal(store.recentDecisions().length, LIMITS.decisionsLetIn + 1);
});

test('spans that hang in a ring are shown once each', () => {
  store.takeSpans([
    span({ service: 's', at: START, spanId: hex(1, 16), parentSpanId: hex(2, 16) }),
    span({ service: 's', at: START, spanId: hex(2, 16), parentSpanId: hex(1, 16) }),
    span({ service: 's', at: START, spanId: hex(3, 16), parentSpanId: hex(3, 16) }),
  ]);
  const [trace] = store.snapshot().traces;
  assert.equal(store.trace(trace?.traceId ?? '')?.tree.length, 3);
});

test('refusals that are passed on and never owned', () => {
  const fields = { ...DENIED, decision: 'allow' };
  for (let index = 0; index < 5_000; index += 1) {
    const own = { ...fields, decision_id: `d${index}` };
    store.takeLogs([
      request({ service: 'backend', peer: 'customer', at: START, traceId: hex(index, 32), fields: own }),
    ]);
  }
  nowMs += 5_000;
  store.tick();
  assert.equal(store.snapshot().refusals.length, LIMITS.passedOn);
});
