/** What the store makes of an order, of refusals and of identities that change. */
import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import type { LogRecord } from '@countersign/otlp-receiver';
import { ATTRIBUTE_DEFINITIONS, LOG_FIELDS } from '@countersign/telemetry';
import fc from 'fast-check';
import { createStore, type Store } from './store.ts';
import {
  DENIED,
  decision,
  identity,
  idOf,
  OPERATION,
  PASSED_ON,
  refused,
  request,
  START,
  span,
  TRACE,
} from './test/telemetry.ts';

let nowMs: number;
let store: Store;

beforeEach(() => {
  nowMs = START;
  store = createStore({ now: () => nowMs, traceUrl: 'http://viewer/{traceId}?x={traceId}' });
});

const workload = (name: string) => store.snapshot().workloads.find((each) => each.name === name);
const edge = (from: string, to: string) =>
  store.snapshot().edges.find((each) => each.from === from && each.to === idOf(to));
const advance = (ms: number) => {
  for (const end = nowMs + ms; nowMs < end; nowMs += 1_000) store.tick();
  store.tick();
};

const CHAIN = [idOf('customer'), idOf('backend')];
const ORDER = {
  spans: [
    span({ service: 'customer', at: START, spanId: '1'.repeat(16), name: 'POST /api/orders', durationMs: 50 }),
    span({
      ...{ service: 'customer', at: START + 1, spanId: '2'.repeat(16), parentSpanId: '1'.repeat(16), kind: 'client' },
      attributes: { 'spiffe.peer.id': idOf('backend') },
    }),
    span({
      ...{ service: 'db-client', at: START + 5, spanId: '3'.repeat(16), parentSpanId: '2'.repeat(16) },
      attributes: {
        'spiffe.chain': CHAIN,
        'caller_chain.txn': 'a-transaction',
        'authz.decision_id': 'd1',
        'authz.rule': 'grant',
      },
    }),
    ...['BEGIN', 'INSERT orders', 'COMMIT'].map((statement, index) =>
      span({
        ...{
          service: 'db-client',
          at: START + 6 + index,
          spanId: `${index + 4}`.repeat(16),
          parentSpanId: '3'.repeat(16),
        },
        ...{ name: `pg.query:${statement}`, kind: 'client' as const, durationMs: 2.5 },
        attributes: { 'db.system.name': 'postgresql', 'spiffe.peer.id': idOf('postgres') },
      }),
    ),
  ],
  records: [
    request({
      service: 'customer',
      at: START + 50,
      spanId: '1'.repeat(16),
      operation: 'POST /api/orders',
      durationMs: 50,
    }),
    request({
      ...{ service: 'db-client', peer: 'backend', at: START + 25, spanId: '3'.repeat(16) },
      fields: { decision: 'allow', decision_id: 'd1', rule: 'grant' },
    }),
  ],
};

describe('an order', () => {
  for (const [order, feed] of [
    ['spans first', () => [store.takeSpans(ORDER.spans), store.takeLogs(ORDER.records)]],
    ['records first', () => [store.takeLogs(ORDER.records), store.takeSpans(ORDER.spans)]],
  ] as const)
    test(`${order}: each call is one call, with its chain`, () => {
      nowMs = START + 60;
      feed();
      assert.deepEqual(
        new Map(store.snapshot().edges.map(({ key, calls }) => [key, calls])),
        new Map([
          [`${idOf('backend')}>${idOf('db-client')}`, 1],
          [`${idOf('db-client')}>${idOf('postgres')}`, 1],
          [`browser>${idOf('customer')}`, 1],
        ]),
      );
      assert.deepEqual(edge(idOf('backend'), 'db-client')?.last, {
        ...{ at: START + 25, outcome: 'allow', transport: 'grpc', operation: OPERATION, traceId: TRACE },
        ...{ txn: 'a-transaction', rule: 'grant', decisionId: 'd1', chain: CHAIN },
      });
      assert.equal(edge(idOf('db-client'), 'postgres')?.last.operation, 'INSERT orders');
    });

  test('rate and percentiles follow the clock', () => {
    nowMs = START + 60;
    store.takeLogs(ORDER.records);
    store.takeSpans(ORDER.spans);
    advance(1_000);
    const { perSecond, p50Ms, p95Ms } = edge(idOf('db-client'), 'postgres') ?? assert.fail();
    assert.deepEqual([perSecond, p50Ms, p95Ms], [0.1, 2.5, 2.5]);
    advance(70_000);
    const later = edge(idOf('db-client'), 'postgres') ?? assert.fail();
    assert.deepEqual([later.perSecond, 'p50Ms' in later, later.calls], [0, false, 1]);
  });

  test('the trace is a waterfall, late spans in their place', () => {
    nowMs = START + 60;
    store.takeSpans(ORDER.spans.slice(2));
    store.takeSpans(ORDER.spans.slice(0, 2));
    const trace = store.trace(TRACE) ?? assert.fail();
    assert.deepEqual(
      [trace.name, trace.spans, trace.services, trace.durationMs, trace.outcome, trace.txn, trace.link],
      [
        'POST /api/orders',
        6,
        ['customer', 'db-client'],
        50,
        'allow',
        'a-transaction',
        `http://viewer/${TRACE}?x=${TRACE}`,
      ],
    );
    assert.deepEqual(
      trace.tree.map(({ name, offsetMs }) => [name, offsetMs]),
      [
        ['POST /api/orders', 0],
        [OPERATION, 1],
        [OPERATION, 5],
        ['pg.query:BEGIN', 6],
        ['pg.query:INSERT orders', 7],
        ['pg.query:COMMIT', 8],
      ],
    );
    assert.equal(trace.tree[2]?.attributes['spiffe.chain'], CHAIN.join(', '));
  });

  test('a batch that comes twice adds no span', () => {
    store.takeSpans(ORDER.spans);
    store.takeSpans(ORDER.spans);
    assert.equal(store.trace(TRACE)?.spans, 6);
  });

  test('the sample of its second counts calls of all services and times the edge', () => {
    nowMs = START + 60;
    store.takeLogs(ORDER.records);
    store.tick();
    assert.deepEqual(store.snapshot().samples, [
      { at: START, allowed: 2, refused: 0, rotations: 0, p50Ms: 50, p95Ms: 50 },
    ]);
  });

  test('a stream that lasted for minutes is a call, and no latency', () => {
    store.takeLogs([request({ service: 'backend', peer: 'customer', at: START, durationMs: 600_000 })]);
    store.tick();
    const { calls, p95Ms } = edge(idOf('customer'), 'backend') ?? assert.fail();
    assert.deepEqual([calls, p95Ms], [1, undefined]);
  });
});

/** One denied call, as four processes tell it. */
const DENIAL: readonly LogRecord[] = [
  request({ service: 'db-client', peer: 'backend', at: START + 10, spanId: '3'.repeat(16), fields: DENIED }),
  request({ service: 'backend', peer: 'customer', at: START + 15, spanId: '2'.repeat(16), fields: PASSED_ON }),
  request({
    service: 'customer',
    at: START + 20,
    spanId: '1'.repeat(16),
    fields: { ...DENIED, decision: '', status: 403 },
  }),
  decision({ service: 'db-client', at: START + 9 }, 'the-decision', false, 'backend'),
];

test('a refused call is one refusal, by whoever refused, in whatever order it is told of', () => {
  fc.assert(
    fc.property(fc.shuffledSubarray([...DENIAL], { minLength: DENIAL.length }), fc.boolean(), (records, slowly) => {
      nowMs = START + 30;
      store = createStore({ now: () => nowMs });
      for (const each of records) {
        store.takeLogs([each]);
        if (slowly) advance(3_000);
      }
      advance(3_000);
      const { refusals, edges, samples } = store.snapshot();
      assert.deepEqual(
        refusals.map(({ seq, self, peer, code, decisionId }) => [seq, self, peer, code, decisionId]),
        [[1, idOf('db-client'), idOf('backend'), 'POLICY_DENIED', 'the-decision']],
      );
      assert.deepEqual(
        new Set(edges.map(({ to, last, refused: count }) => `${to} ${last.outcome} ${count}`)),
        new Set([`${idOf('db-client')} deny 1`, `${idOf('backend')} error 0`, `${idOf('customer')} error 0`]),
      );
      assert.equal(
        samples.reduce((sum, sample) => sum + sample.refused, 0),
        1,
      );
      assert.deepEqual(
        store.recentDecisions().map(({ decisionId }) => decisionId),
        ['the-decision'],
      );
    }),
    { numRuns: 48 },
  );
});

test('a refusal that is passed on is shown without its owner when that one stays silent, and corrected when it speaks', () => {
  nowMs = START + 30;
  store.takeLogs(DENIAL.slice(1, 3));
  assert.deepEqual(store.snapshot().refusals, []);
  advance(3_000);
  assert.deepEqual(
    store.snapshot().refusals.map(({ seq, self }) => [seq, self]),
    [[1, idOf('backend')]],
  );
  store.takeLogs(DENIAL.slice(0, 1));
  assert.deepEqual(
    store.snapshot().refusals.map(({ seq, self }) => [seq, self]),
    [[1, idOf('db-client')]],
  );
});

test('two refusals of one trace are two', () => {
  const other = { ...DENIED, decision_id: 'another', code: 'CHAIN_INVALID', stage: 'chain' };
  store.takeLogs([
    request({ service: 'backend', peer: 'auditor', at: START, fields: DENIED }),
    request({ service: 'backend', peer: 'auditor', at: START, fields: other }),
  ]);
  assert.deepEqual(
    store.snapshot().refusals.map(({ code }) => code),
    ['CHAIN_INVALID', 'POLICY_DENIED'],
  );
  assert.equal(edge(idOf('auditor'), 'backend')?.last.outcome, 'refused');
});

describe('a refused handshake', () => {
  for (const [code, peer, peerIs] of [
    ['PEER_NOT_AUTHORIZED', 'rogue', 'verified'],
    ['UNTRUSTED_CHAIN', 'backend', 'claimed'],
    ['NO_PEER_CERTIFICATE', undefined, 'unknown'],
  ] as const)
    test(`${code}: who was refused is ${peerIs}`, () => {
      store.takeLogs([refused({ service: 'db-client', at: START }, code, peer && idOf(peer))]);
      const [refusal] = store.snapshot().refusals;
      assert.deepEqual(
        [refusal?.peerIs, refusal?.peer, refusal?.self],
        [peerIs, peer && idOf(peer), idOf('db-client')],
      );
      const edges = store.snapshot().edges.map((each) => [each.from, each.to, each.last.outcome, each.last.refusalSeq]);
      assert.deepEqual(edges, peer === undefined ? [] : [[idOf(peer), idOf('db-client'), 'refused', 1]]);
      assert.equal(workload('db-client')?.state, 'ready');
    });

  test('a client that refuses a server is where the edge begins', () => {
    store.takeLogs([refused({ service: 'backend', at: START }, 'PEER_NOT_AUTHORIZED', idOf('impostor'), 'client')]);
    assert.equal(edge(idOf('backend'), 'impostor')?.refused, 1);
  });

  test('what is no SPIFFE ID makes no node', () => {
    for (const peer of ['browser ', 'https://x', `spiffe://example.org/${'x'.repeat(3_000)}`, 'spiffe://EXAMPLE/x'])
      store.takeLogs([refused({ service: 'backend', at: START }, 'UNTRUSTED_CHAIN', peer)]);
    assert.deepEqual(
      store.snapshot().workloads.map(({ name }) => name),
      ['backend'],
    );
    assert.equal(store.snapshot().refusals.length, 4);
  });
});

test('a decision is found by its ID as the service logged it', () => {
  store.takeLogs([decision({ service: 'backend', at: START }, 'd1', true)]);
  const { event, ...summary } = store.decision('d1') ?? assert.fail();
  assert.deepEqual(summary, {
    ...{ id: 'd1', at: START, allow: true, rule: 'grant', reason: 'granted', operation: OPERATION, traceId: TRACE },
    ...{ self: idOf('backend'), peer: idOf('customer') },
  });
  assert.deepEqual(Object.keys(event ?? {}), ['decision_id', 'input', 'result']);
  assert.equal(store.decision('d2'), undefined);
});

test('every field that is read is one that services write', () => {
  const known = new Set([
    ...Object.keys(LOG_FIELDS),
    ...Object.values(ATTRIBUTE_DEFINITIONS).map(({ logField }) => logField),
  ]);
  const read = [
    ...DENIAL.slice(0, 3),
    refused({ service: 'x', at: START }, 'X', 'y'),
    identity({ service: 'x', at: START }, 'AA'),
  ];
  for (const { attributes } of read) for (const name of attributes.keys()) assert.ok(known.has(name), name);
});
