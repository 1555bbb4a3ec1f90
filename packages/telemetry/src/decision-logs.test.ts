/** Decisions as OTLP log records, as a Collector gets them. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { trace } from '@opentelemetry/api';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { emitDecisionLog } from './decision-logs.ts';

const event = {
  labels: { id: 'one', service: 'shop', version: '1' },
  decision_id: 'id-1',
  path: 'countersign/authz/decision',
  input: {
    self: { spiffe_id: 'spiffe://example.org/shop' },
    peer: { spiffe_id: 'spiffe://example.org/web', path: ['web'] },
  },
  result: { allow: true, reason: 'granted', rule: 'granted', obligations: [] },
  timestamp: '2026-11-29T00:00:00.123Z',
  metrics: { timer_rego_query_eval_ns: 5000 },
};
const refused = { ...event, decision_id: 'id-2', result: { ...event.result, allow: false, rule: 'default' } };
const { result: _, ...undecided } = {
  ...event,
  decision_id: 'id-3',
  error: { code: 'POLICY_FAILED', message: 'trap' },
};
const masked = { ...event, decision_id: 'id-4', input: { self: event.input.self }, erased: ['/input/peer'] };

interface OtlpRecord {
  readonly eventName: string;
  readonly severityNumber: number;
  readonly severityText: string;
  readonly timeUnixNano: string;
  readonly traceId?: string;
  readonly spanId?: string;
  readonly body: unknown;
  readonly attributes: ReadonlyArray<{ readonly key: string; readonly value: { readonly stringValue: string } }>;
}

/** Emits into a real SDK and returns what it exported over OTLP. */
async function exported(emit: () => void): Promise<readonly OtlpRecord[]> {
  const records: OtlpRecord[] = [];
  const collector = createServer(async (request, response) => {
    const body = JSON.parse(Buffer.concat(await request.toArray()).toString());
    if (request.url === '/v1/logs')
      for (const { scopeLogs } of body.resourceLogs)
        for (const { scope, logRecords } of scopeLogs) {
          assert.equal(scope.name, 'countersign.authz');
          records.push(...logRecords);
        }
    response.setHeader('content-type', 'application/json').end('{}');
  }).listen(0, '127.0.0.1');
  await once(collector, 'listening');
  const address = collector.address();
  assert.ok(typeof address === 'object' && address !== null);
  process.env['OTEL_EXPORTER_OTLP_ENDPOINT'] = `http://127.0.0.1:${address.port}`;
  process.env['OTEL_EXPORTER_OTLP_PROTOCOL'] = 'http/json';
  process.env['OTEL_METRICS_EXPORTER'] = 'none';
  process.env['OTEL_LOGS_EXPORTER'] = 'otlp';
  const sdk = new NodeSDK({ autoDetectResources: false });
  sdk.start();
  emit();
  await sdk.shutdown();
  collector.close();
  collector.closeAllConnections();
  return records;
}

const attributesOf = ({ attributes }: OtlpRecord) =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, value.stringValue]));

test('without a logger provider nothing is taken, and that is said', () => {
  assert.equal(emitDecisionLog(event), false);
});

test('a decision is a log record with name, severity, time, body and the span that it was made in', async () => {
  let ids = { traceId: '', spanId: '' };
  const records = await exported(() =>
    trace.getTracer('test').startActiveSpan('call', (span) => {
      ids = span.spanContext();
      assert.equal(emitDecisionLog(event), true);
      assert.equal(emitDecisionLog(refused), true);
      assert.equal(emitDecisionLog(undecided), true);
      assert.equal(emitDecisionLog(masked), true);
      span.end();
    }),
  );
  assert.equal(records.length, 4);
  for (const record of records) {
    assert.equal(record.eventName, 'authz.decision');
    assert.equal(record.traceId, ids.traceId);
    assert.equal(record.spanId, ids.spanId);
    assert.equal(record.timeUnixNano, `${Date.parse(event.timestamp)}000000`);
  }
  assert.deepEqual(
    records.map(({ severityNumber, severityText }) => [severityNumber, severityText]),
    [
      [9, 'INFO'],
      [13, 'WARN'],
      [17, 'ERROR'],
      [9, 'INFO'],
    ],
  );
  const [first, second, third, fourth] = records.map(attributesOf);
  assert.deepEqual(first, {
    'authz.decision': 'allow',
    'authz.decision_id': 'id-1',
    'authz.rule': 'granted',
    'spiffe.self.id': 'spiffe://example.org/shop',
    'spiffe.peer.id': 'spiffe://example.org/web',
  });
  assert.equal(second?.['authz.decision'], 'deny');
  assert.deepEqual([third?.['authz.decision'], third?.['error.type']], ['deny', 'POLICY_FAILED']);
  assert.equal(fourth?.['spiffe.peer.id'], undefined, 'what is masked is no attribute either');
  const body = JSON.stringify(records[3]?.body);
  assert.match(body, /"key":"erased"/);
  assert.doesNotMatch(body, /example\.org\/web/);
  assert.match(
    JSON.stringify(records[0]?.body),
    /"key":"spiffe_id","value":\{"stringValue":"spiffe:\/\/example\.org\/web"\}/,
  );
});
