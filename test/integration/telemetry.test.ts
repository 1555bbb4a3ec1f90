/**
 * What a Collector gets of one order: one trace, every edge in it, each hop with both ends' SPIFFE IDs and the decision.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { loadIdentities } from '@countersign/identities';
import type { RunningSystem } from '@countersign/local-stack';
import { call } from './json-client.ts';
import { type OtlpReceiver, type ReceivedSpan, startOtlpReceiver } from './otlp-receiver.ts';
import { startTestSystemAnywhere } from './test-system.ts';

const CLIENT = 3;
const SERVER = 2;
const identities = loadIdentities();
const idOf = (name: string) => identities.workload(name).spiffeId;
let receiver: OtlpReceiver;
let system: RunningSystem;

before(async () => {
  receiver = await startOtlpReceiver();
  system = await startTestSystemAnywhere({ env: { ...process.env, ...receiver.env } });
});

after(async () => {
  await system?.stop();
  await receiver?.close();
});

/** One end of an edge: which service made the span, of which kind, and whom it saw at the other end. */
interface End {
  readonly service: string;
  readonly kind: number;
  readonly peer: string;
}

const ENDS: readonly End[] = [
  { service: 'customer', kind: CLIENT, peer: 'backend' },
  { service: 'backend', kind: SERVER, peer: 'customer' },
  { service: 'backend', kind: CLIENT, peer: 'db-client' },
  { service: 'db-client', kind: SERVER, peer: 'backend' },
  { service: 'db-client', kind: CLIENT, peer: 'postgres' },
];

function findEnd(
  spans: readonly ReceivedSpan[],
  traceId: string,
  { service, kind, peer }: End,
): ReceivedSpan | undefined {
  return spans.find(
    (span) =>
      span.traceId === traceId &&
      span.service === service &&
      span.kind === kind &&
      span.attributes['spiffe.self.id'] === idOf(service) &&
      span.attributes['spiffe.peer.id'] === idOf(peer),
  );
}

for (const via of ['http', 'grpc']) {
  test(`an order by ${via} is one trace: every edge, both ends, each with self and peer`, async () => {
    const answer = await call(`${system.customerUrl}/api/orders`, {
      body: { item: 'tea', quantity: 1, customer: 'Ada Lovelace', via },
    });
    assert.equal(answer.status, 201, answer.text);
    const traceId = String(answer.body?.['trace_id']);
    await receiver.waitFor((spans) => ENDS.every((end) => findEnd(spans, traceId, end) !== undefined), 15_000);
    const trace = receiver.spans.filter((span) => span.traceId === traceId);
    for (const service of ['backend', 'db-client']) {
      const served = findEnd(trace, traceId, ENDS.find((end) => end.service === service && end.kind === SERVER) as End);
      assert.equal(served?.attributes['authz.decision'], 'allow');
      assert.match(served?.attributes['authz.decision_id'] ?? '', /^[0-9a-f-]{36}$/);
      const caller = trace.find((span) => span.spanId === served?.parentSpanId);
      assert.equal(caller?.kind, CLIENT, `${service}'s span hangs under its caller's`);
    }
    assert.ok(!JSON.stringify(trace).includes('Lovelace'), 'no SQL value in a span');
  });
}

test('a caller can not choose the recorded identity by headers or baggage', async () => {
  const forged = idOf('auditor');
  const answer = await call(`${system.customerUrl}/api/orders`, {
    body: { item: 'tea', quantity: 1, customer: 'Ada', via: 'http' },
    headers: {
      baggage: `spiffe.peer.id=${forged},spiffe.self.id=${forged}`,
      'x-spiffe-id': forged,
      'x-forwarded-client-cert': `URI=${forged}`,
    },
  });
  assert.equal(answer.status, 201, answer.text);
  const traceId = String(answer.body?.['trace_id']);
  await receiver.waitFor((spans) => ENDS.every((end) => findEnd(spans, traceId, end) !== undefined), 15_000);
  const identitiesSeen = receiver.spans
    .filter((span) => span.traceId === traceId)
    .flatMap(({ attributes }) => [attributes['spiffe.self.id'], attributes['spiffe.peer.id']]);
  assert.ok(!identitiesSeen.includes(forged));
});
