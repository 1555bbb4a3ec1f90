import assert from 'node:assert/strict';
import diagnosticsChannel from 'node:diagnostics_channel';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { metrics } from '@opentelemetry/api';
import {
  type DataPoint,
  type ExponentialHistogram,
  type Histogram,
  MeterProvider,
  MetricReader,
} from '@opentelemetry/sdk-metrics';
import { createBoundedLabel, OVERFLOW } from './bounded-label.ts';
import { recordDecision } from './call-record.ts';
import { METRIC_DEFINITIONS } from './metric-names.ts';
import { countRefusal, observeDecisionLog, observePolicy, recordChainVerification, startMetrics } from './metrics.ts';

class Reader extends MetricReader {
  override async onForceFlush(): Promise<void> {}
  override async onShutdown(): Promise<void> {}
}

const SELF = 'spiffe://example.org/self';
const START_MS = 1_000_000;
let nowMs = START_MS;
let reader: Reader;
let stop: () => void;

beforeEach(() => {
  nowMs = START_MS;
  reader = new Reader();
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
  stop = startMetrics(() => nowMs);
});

afterEach(async () => {
  stop();
  await reader.shutdown();
  metrics.disable();
});

type Point = DataPoint<number | Histogram | ExponentialHistogram>;

/** The points of a metric: `[labels, value]`. */
async function pointsOf(name: string): Promise<Array<[Record<string, unknown>, Point['value']]>> {
  const { resourceMetrics } = await reader.collect();
  const found = resourceMetrics.scopeMetrics
    .flatMap((scope) => scope.metrics)
    .filter((metric) => metric.descriptor.name === name);
  return found
    .flatMap((metric): readonly Point[] => metric.dataPoints)
    .map(({ attributes, value }) => [{ ...attributes }, value]);
}

function publish(channel: string, record: unknown): void {
  diagnosticsChannel.channel(channel).publish(record);
}

function update(serialNumber: string, notAfterMs = START_MS + 60_000, trustDomains = ['example.org']): void {
  const identity = { spiffeId: SELF, serialNumber, notBeforeMs: START_MS - 20_000, notAfterMs };
  publish('spiffe-tls:source', { type: 'update', ...identity, trustDomains });
}

describe('identity', () => {
  test('before there is one, no expiry is shown and the identity is not available', async () => {
    assert.deepEqual(await pointsOf('spiffe.svid.expiry'), []);
    assert.deepEqual(await pointsOf('spiffe.svid.available'), [[{}, 0]]);
  });

  test('seconds to expiry count down, and go on below zero', async () => {
    update('0A');
    nowMs += 45_000;
    assert.deepEqual(await pointsOf('spiffe.svid.expiry'), [[{ 'spiffe.self.id': SELF }, 15]]);
    nowMs += 45_000;
    assert.deepEqual(await pointsOf('spiffe.svid.expiry'), [[{ 'spiffe.self.id': SELF }, -30]]);
    assert.deepEqual(await pointsOf('spiffe.svid.lifetime'), [[{ 'spiffe.self.id': SELF }, 80]]);
  });

  test('a withdrawn identity has no time left and is not available, whatever was exported before', async () => {
    update('0A');
    assert.deepEqual(await pointsOf('spiffe.svid.expiry'), [[{ 'spiffe.self.id': SELF }, 60]]);
    publish('spiffe-tls:source', { type: 'withdrawn', error: { code: 'X', message: 'x' } });
    assert.deepEqual(await pointsOf('spiffe.svid.expiry'), [[{ 'spiffe.self.id': SELF }, 0]]);
    assert.deepEqual(await pointsOf('spiffe.svid.available'), [[{}, 0]]);
  });

  test('the first SVID, and the same one with other bundles, are no rotation', async () => {
    update('0A');
    update('0A', START_MS + 60_000, ['example.org', 'example.com']);
    assert.deepEqual(await pointsOf('spiffe.svid.rotations'), []);
    update('0B');
    assert.deepEqual(await pointsOf('spiffe.svid.rotations'), [[{}, 1]]);
  });

  test('an error of the source lets the bundles grow old; an update makes new those that it brings', async () => {
    update('0A', START_MS + 60_000, ['example.org', 'example.com']);
    nowMs += 20_000;
    publish('spiffe-tls:source', { type: 'error', error: { code: 'X', message: 'x' } });
    const ages = await pointsOf('spiffe.bundle.age');
    assert.deepEqual(
      ages.map(([labels, value]) => [labels['spiffe.trust_domain'], value]),
      [
        ['example.org', 20],
        ['example.com', 20],
      ],
    );
    update('0A');
    nowMs += 1_000;
    assert.deepEqual((await pointsOf('spiffe.bundle.age'))[0], [{ 'spiffe.trust_domain': 'example.org' }, 1]);
  });
});

describe('handshakes', () => {
  test('are counted by result, code, transport and role, on both sides', async () => {
    publish('spiffe-tls:verified', { role: 'client', transport: 'grpc', peer: { id: 'spiffe://example.org/peer' } });
    publish('spiffe-tls:refused', { role: 'server', transport: 'https', code: 'PEER_NOT_AUTHORIZED' });
    assert.deepEqual(await pointsOf('spiffe.handshakes'), [
      [{ 'spiffe.handshake.result': 'verified', 'spiffe.transport': 'grpc', 'spiffe.role': 'client' }, 1],
      [
        {
          'spiffe.handshake.result': 'refused',
          'refusal.code': 'PEER_NOT_AUTHORIZED',
          'spiffe.transport': 'https',
          'spiffe.role': 'server',
        },
        1,
      ],
    ]);
    assert.deepEqual(await pointsOf('authz.refusals'), [
      [{ 'refusal.stage': 'handshake', 'refusal.code': 'PEER_NOT_AUTHORIZED' }, 1],
    ]);
  });

  test('a thousand strangers are one series: who was refused is in no label', async () => {
    for (let index = 0; index < 1000; index += 1) {
      const peerId = `spiffe://example.org/stranger-${index}`;
      const remote = { address: '127.0.0.1', port: index };
      publish('spiffe-tls:refused', {
        role: 'server',
        transport: 'grpc',
        code: 'SVID_EXPIRED',
        peerId,
        got: peerId,
        remote,
      });
    }
    const points = await pointsOf('spiffe.handshakes');
    assert.deepEqual([points.length, points[0]?.[1]], [1, 1000]);
    assert.doesNotMatch(JSON.stringify(points), /stranger/);
  });
});

describe('decisions', () => {
  const grant = { decisionId: 'd', rule: 'grant', operation: 'GET /orders/{id}' };

  test('are counted by result, rule, reason and operation, never by their ID', async () => {
    recordDecision({ ...grant, allow: true, reason: 'granted' });
    recordDecision({ ...grant, allow: false, reason: 'no-grant', decisionId: 'e' });
    recordDecision({ allow: false, decisionId: 'f', errorCode: 'POLICY_UNAVAILABLE' });
    const labels = { 'authz.rule': 'grant', 'authz.operation': 'GET /orders/{id}' };
    assert.deepEqual(await pointsOf('authz.decisions'), [
      [{ ...labels, 'authz.decision': 'allow', 'authz.reason': 'granted' }, 1],
      [{ ...labels, 'authz.decision': 'deny', 'authz.reason': 'no-grant' }, 1],
      [{ 'authz.decision': 'error', 'authz.reason': 'POLICY_UNAVAILABLE' }, 1],
    ]);
  });

  test('durations fall into buckets from 10 microseconds to 10 milliseconds; one that is not known is not counted', async () => {
    for (const evaluationSeconds of [0.000_008, 0.000_04, 0.02])
      recordDecision({ ...grant, allow: true, evaluationSeconds });
    recordDecision({ ...grant, allow: true });
    const [point] = await pointsOf('authz.decision.duration');
    assert.ok(typeof point?.[1] === 'object' && 'buckets' in point[1]);
    const { boundaries, counts } = point[1].buckets;
    assert.deepEqual([boundaries.at(0), boundaries.at(-1)], [0.000_01, 0.01]);
    assert.deepEqual(counts, [1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1]);
  });

  test('operations beyond the bound are one label', async () => {
    for (let index = 0; index < 500; index += 1)
      recordDecision({ allow: false, decisionId: 'd', operation: `/odd/${index}` });
    const points = await pointsOf('authz.decisions');
    assert.equal(points.length, 101);
    assert.equal(points.find(([labels]) => labels['authz.operation'] === OVERFLOW)?.[1], 400);
  });
});

test('verifications of a chain are told apart by their result and code', async () => {
  recordChainVerification(0.0001);
  recordChainVerification(0.0002, 'CHAIN_REPLAYED');
  const points = await pointsOf('caller_chain.verification.duration');
  assert.deepEqual(
    points.map(([labels]) => labels),
    [{ 'caller_chain.result': 'verified' }, { 'caller_chain.result': 'refused', 'refusal.code': 'CHAIN_REPLAYED' }],
  );
});

test('a policy that is missing, current or stale is told apart, until it is observed no more', async () => {
  let reading: Parameters<typeof observePolicy>[0] = () => ({});
  const stopObserving = observePolicy(() => reading());
  const values = async () =>
    Promise.all(['available', 'age', 'stale'].map(async (n) => (await pointsOf(`authz.policy.${n}`))[0]?.[1]));
  nowMs += 30_000;
  assert.deepEqual(await values(), [0, undefined, 0]);
  reading = () => ({ loadedAtMs: START_MS });
  assert.deepEqual(await values(), [1, 30, 0]);
  reading = () => ({ loadedAtMs: START_MS, staleSinceMs: START_MS + 20_000 });
  assert.deepEqual(await values(), [1, 30, 10]);
  stopObserving();
  nowMs += 30_000;
  // The SDK goes on exporting the last value of a gauge that nobody observes.
  assert.deepEqual(await values(), [1, 30, 10]);
});

test('a decision log shows what was sent and what was dropped', async () => {
  const stopObserving = observeDecisionLog(() => ({ sent: 5, dropped: 2 }));
  assert.deepEqual(await pointsOf('authz.decision_log.records'), [
    [{ 'authz.decision_log.state': 'sent' }, 5],
    [{ 'authz.decision_log.state': 'dropped' }, 2],
  ]);
  stopObserving();
});

test('every metric that is exported has the unit of the registry, and labels from it alone', async () => {
  update('0A');
  publish('spiffe-tls:refused', { role: 'server', transport: 'https', code: 'SVID_EXPIRED' });
  update('0B');
  countRefusal('policy', 'POLICY_DENIED');
  recordDecision({ allow: true, decisionId: 'd', rule: 'grant', evaluationSeconds: 1e-5 });
  recordChainVerification(0.0001);
  const stops = [observePolicy(() => ({ loadedAtMs: START_MS })), observeDecisionLog(() => ({ sent: 1, dropped: 0 }))];
  const { resourceMetrics } = await reader.collect();
  const exported = resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics);
  assert.deepEqual(exported.map(({ descriptor }) => descriptor.name).sort(), Object.keys(METRIC_DEFINITIONS).sort());
  for (const { descriptor, dataPoints } of exported) {
    const definition = Object.entries(METRIC_DEFINITIONS).find(([name]) => name === descriptor.name)?.[1];
    assert.equal(descriptor.unit, definition?.unit, descriptor.name);
    const labels: readonly string[] = definition?.labels ?? [];
    for (const point of dataPoints)
      for (const label of Object.keys(point.attributes))
        assert.ok(labels.includes(label), `${descriptor.name}: ${label}`);
  }
  for (const stopObserving of stops) stopObserving();
});

test('after the stop nothing is counted, and nobody listens to the channels', async () => {
  stop();
  recordDecision({ allow: true, decisionId: 'd' });
  countRefusal('policy', 'POLICY_DENIED');
  recordChainVerification(1);
  for (const channel of ['spiffe-tls:source', 'spiffe-tls:verified', 'spiffe-tls:refused'])
    assert.equal(diagnosticsChannel.hasSubscribers(channel), false);
  assert.deepEqual((await reader.collect()).resourceMetrics.scopeMetrics, []);
});

test('a bounded label keeps what it let pass and refuses more', () => {
  const label = createBoundedLabel(2);
  assert.deepEqual(['a', 'b', 'c', 'a', 'd'].map(label), ['a', 'b', OVERFLOW, 'a', OVERFLOW]);
});
