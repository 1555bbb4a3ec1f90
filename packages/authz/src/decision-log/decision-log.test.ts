import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SpiffeId } from '@countersign/spiffe-tls';
import { propertyRuns } from '@countersign/testkit';
import fc from 'fast-check';
import { inputOf, recordOf } from '../../test/decision-fixture.ts';
import { startLogReceiver } from '../../test/log-receiver.ts';
import { authorizeCall, type GuardOptions } from '../authorize-call.ts';
import { createDecisionRecord } from '../decision-record.ts';
import { Revocation } from '../open-calls.ts';
import type { DecisionEvent } from './decision-event.ts';
import { createDecisionLog, type DecisionLogOptions } from './decision-log.ts';
import { createDeliveryCounter, type DecisionSink, type Delivery } from './decision-sink.ts';
import { createEndpointSink } from './endpoint-sink.ts';

const service = { service: 'shop', version: '1.2.3', instanceId: 'one' };

function collecting(options: Partial<DecisionLogOptions> = {}) {
  const events: DecisionEvent[] = [];
  const log = createDecisionLog({ ...service, write: (event) => events.push(event), ...options });
  return { events, log };
}

function sinkNamed(name: string, record: (event: DecisionEvent) => void): DecisionSink {
  const counter = createDeliveryCounter(name);
  return {
    name,
    record,
    stats: () => ({ buffered: 0, bufferedBytes: 0, ...counter.stats() }),
    close: async () => {},
  };
}

test('an event has the shape of OPA', () => {
  const trace = { trace_id: '0'.repeat(31).concat('1'), span_id: '0'.repeat(15).concat('2') };
  const { events, log } = collecting({ traceIds: () => trace });
  const record = recordOf('id-1');
  log.record(record);
  assert.deepEqual(events, [
    {
      labels: { id: 'one', service: 'shop', version: '1.2.3' },
      decision_id: 'id-1',
      ...trace,
      bundles: { countersign: { revision: 'r1' } },
      path: 'countersign/authz/decision',
      input: inputOf(),
      result: record.result,
      requested_by: 'spiffe://example.org/web',
      timestamp: '1970-01-01T00:00:00.000Z',
      metrics: { timer_rego_query_eval_ns: 5000 },
    },
  ]);
});

test('a failure to decide has its error, and nothing that is not known', () => {
  const { events, log } = collecting();
  const error = { code: 'PEER_NOT_VERIFIED', message: 'no peer' };
  log.record(createDecisionRecord({ decisionId: 'id-2', error, nowMs: 0, durationNs: 0 }));
  assert.deepEqual(Object.keys(events[0] ?? {}), ['labels', 'decision_id', 'path', 'error', 'timestamp', 'metrics']);
});

test('who asked is read after masking', () => {
  const at = '/input/peer/spiffe_id';
  const removed = collecting({ masks: [at] });
  removed.log.record(recordOf('a'));
  assert.equal(removed.events[0]?.requested_by, undefined);
  assert.deepEqual(removed.events[0]?.erased, [at]);
  const replaced = collecting({ masks: [{ op: 'upsert', path: at, value: '[masked]' }] });
  replaced.log.record(recordOf('b'));
  assert.equal(replaced.events[0]?.requested_by, '[masked]');
  assert.deepEqual(replaced.events[0]?.masked, [at]);
});

test('a label ID is one a log, unless it is given', () => {
  const ids = [1, 2].map(() => {
    const events: DecisionEvent[] = [];
    const log = createDecisionLog({ service: 'a', version: '1', write: (event) => events.push(event) });
    log.record(recordOf('x'));
    log.record(recordOf('y'));
    assert.equal(events[0]?.labels.id, events[1]?.labels.id);
    return events[0]?.labels.id;
  });
  assert.notEqual(ids[0], ids[1]);
});

/** Why a guard refuses a call without a verified peer, when its record goes to this log. */
function refusalWith(onDecision: NonNullable<GuardOptions['onDecision']>) {
  const undecided = () => {
    throw new Error('nobody asks the policy without a peer');
  };
  const question = {
    peer: () => undefined,
    describe: () => undefined,
    chain: () => undefined,
    act: () => '',
    revocation: new Revocation(),
  };
  const guard = { engine: { decide: undecided }, self: () => SpiffeId.parse('spiffe://example.org/shop'), onDecision };
  const verdict = authorizeCall(guard, question);
  return verdict.allow ? undefined : verdict.refusal.kind;
}

test('a local line that cannot be written refuses the call, and goes to no sink', () => {
  const seen: DecisionEvent[] = [];
  const log = createDecisionLog({
    ...service,
    write: () => {
      throw new Error('disk full');
    },
    sinks: [sinkNamed('endpoint', (event) => seen.push(event))],
  });
  assert.equal(refusalWith(log.record), 'unavailable');
  assert.deepEqual(seen, []);
  assert.equal(log.stats().recorded, 0);
});

test('a record that cannot be masked refuses the call', () => {
  const { events, log } = collecting({ masks: ['/input/x'] });
  assert.throws(() => log.record(recordOf('d', inputOf({ resource: { kind: 'k', id: '1', attributes: { n: 1n } } }))));
  assert.deepEqual(events, []);
});

test('a sink that throws is counted, and neither changes the verdict nor stops the next sink', () => {
  const deliveries: Delivery[] = [];
  const seen: DecisionEvent[] = [];
  const broken = sinkNamed('otlp', () => {
    throw new Error('no provider');
  });
  const { events, log } = collecting({
    sinks: [broken, sinkNamed('endpoint', (event) => seen.push(event))],
    onDelivery: (delivery) => deliveries.push(delivery),
  });
  assert.equal(refusalWith(log.record), 'unauthenticated', 'not the refusal of a record that is missing');
  assert.equal(events.length, 1);
  assert.deepEqual(seen, events);
  assert.equal(log.stats().sinks['otlp']?.dropped.failed, 1);
  assert.deepEqual(deliveries, [{ sink: 'otlp', outcome: 'dropped', reason: 'failed', count: 1 }]);
});

test('closing ends every sink once, even when one fails', async () => {
  let closed = 0;
  const close = async () => {
    closed += 1;
  };
  const good = { ...sinkNamed('endpoint', () => {}), close };
  const bad = { ...sinkNamed('otlp', () => {}), close: () => Promise.reject(new Error('gone')) };
  const { log } = collecting({ sinks: [bad, good] });
  await log.close();
  await log.close();
  assert.equal(closed, 1);
});

for (const [what, options] of [
  ['nowhere to write to', {}],
  ['two sinks of one name', { sinks: [sinkNamed('a', () => {}), sinkNamed('a', () => {})] }],
  ['a mask that is wrong', { write: () => {}, masks: ['/inptu/x'] }],
  ['masks that are no list', { write: () => {}, masks: 'input' }],
] satisfies ReadonlyArray<readonly [string, Partial<DecisionLogOptions>]>) {
  test(`refused at the start: ${what}`, () => {
    assert.throws(() => createDecisionLog({ ...service, ...options }), TypeError);
  });
}

test('property: whatever is recorded, nothing that is masked leaves', async (t) => {
  const receiver = await startLogReceiver(t);
  const lines: string[] = [];
  const masks = [
    '/input/resource/attributes/secret',
    '/input/peer',
    '/input/http/path/1',
    '/result/reason',
    { op: 'upsert', path: '/input/resource/id', value: '[masked]' },
  ];
  const sink = createEndpointSink({
    url: receiver.url,
    minDelayMs: 0,
    maxDelayMs: 1,
    bufferSizeLimitEvents: 1_000_000,
  });
  const log = createDecisionLog({
    ...service,
    masks,
    sinks: [sink],
    write: (event) => lines.push(JSON.stringify(event)),
  });
  // Never part of anything else in an event; with what JSON escapes, so both spellings are looked for.
  const secret = fc.string({ unit: 'grapheme', maxLength: 20 }).map((text) => `\u{1f511}${text}\u{1f512}`);
  const secrets: string[] = [];
  const kept = 'kept-value';
  const runs = propertyRuns(200);
  fc.assert(
    fc.property(fc.array(secret, { minLength: 5, maxLength: 5 }), fc.jsonValue(), (hidden, anything) => {
      const [attribute, peerId = '', segment = '', id = '', reason = ''] = hidden;
      secrets.push(...hidden);
      const attributes = { secret: { deep: [attribute] }, anything, kept };
      const input = inputOf({
        resource: { kind: 'order', id, attributes },
        http: { method: 'GET', path: ['orders', segment, 'items'] },
        peer: { spiffe_id: peerId, trust_domain: 'example.org', path: [peerId] },
      });
      const result = { allow: false, reason, rule: 'r', obligations: [], revision: 'r1' };
      log.record(createDecisionRecord({ decisionId: 'd', input, result, nowMs: 0, durationNs: 0 }));
    }),
    runs,
  );
  await log.close();
  const left = `${receiver.uploads.map(({ json }) => json).join('\n')}\n${lines.join('\n')}`;
  assert.equal(left.split(kept).length - 1, 2 * runs.numRuns, 'every event left twice: in the log and in an upload');
  const escaped = (text: string) => JSON.stringify(text).slice(1, -1);
  assert.deepEqual(
    secrets.filter((text) => left.includes(escaped(text)) || left.includes(text)),
    [],
  );
});
