import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Run, startTracedRuns, type TracedRuns } from '../test/traced-run.ts';

const TRACE_ID = '0123456789abcdef0123456789abcdef';
const SELF = 'spiffe://example.org/self';
const PEER = 'spiffe://example.org/peer';

let runs: TracedRuns;
before(async () => {
  runs = await startTracedRuns();
});
after(() => runs.close());

const run = (env: Record<string, string>) =>
  runs.run(new URL('../test/traced-process.fixture.ts', import.meta.url), env);

describe('with an OTLP endpoint', () => {
  let result: Run;
  before(async () => {
    result = await run(runs.exporting());
  });

  test('the process ends well and prints JSON alone', () => {
    assert.equal(result.stderr, '');
    assert.equal(result.code, 0);
  });

  test('every span belongs to the one trace that arrived', () => {
    assert.ok(result.spans.length >= 8, `only ${result.spans.length} spans`);
    assert.deepEqual([...new Set(result.spans.map((span) => span.traceId))], [TRACE_ID]);
  });

  const edges: Array<[string, string, number, Record<string, string>]> = [
    [
      'HTTP server',
      'GET /orders/{id}',
      2,
      { 'spiffe.peer.id': PEER, 'authz.decision': 'allow', 'authz.decision_id': 'd-2', 'http.route': '/orders/{id}' },
    ],
    ['HTTP client', 'GET', 3, { 'spiffe.peer.id': PEER }],
    ['gRPC client', 'example.v1.Service/Allowed', 3, { 'spiffe.peer.id': PEER, 'rpc.grpc.status_code': '0' }],
    [
      'gRPC server',
      'example.v1.Service/Allowed',
      2,
      { 'spiffe.peer.id': PEER, 'authz.decision': 'allow', 'rpc.grpc.status_code': '0' },
    ],
    [
      'refused gRPC call, server',
      'example.v1.Service/Refused',
      2,
      { 'spiffe.peer.id': PEER, 'authz.decision': 'deny', 'authz.decision_id': 'd-1', 'rpc.grpc.status_code': '7' },
    ],
    ['refused gRPC call, client', 'example.v1.Service/Refused', 3, { 'rpc.grpc.status_code': '7' }],
    ['PostgreSQL', 'pg.connect', 3, { 'spiffe.peer.id': 'spiffe://example.org/postgres' }],
  ];
  for (const [edge, name, kind, attributes] of edges) {
    test(`the span of the ${edge} says who is at either end`, () => {
      const found = result.spans.filter((span) => span.name === name && span.kind === kind);
      assert.ok(
        found.length > 0,
        `no span ${name} of kind ${kind} among ${result.spans.map((span) => `${span.name}/${span.kind}`)}`,
      );
      const expected = { 'spiffe.self.id': SELF, 'svid.serial': '0A', ...attributes };
      assert.ok(
        found.some((span) => Object.entries(expected).every(([key, value]) => span.attributes[key] === value)),
        JSON.stringify(found),
      );
    });
  }

  test('each request has a log line with the trace, both ends and the decision', () => {
    const requests = result.lines.filter((line) => line['event'] === 'request');
    assert.deepEqual(
      requests.map(({ trace_id, self, peer, operation, decision, status, self_serial, peer_serial }) => ({
        trace_id,
        self,
        peer,
        operation,
        decision,
        status,
        self_serial,
        peer_serial,
      })),
      [
        { operation: '/example.v1.Service/Allowed', decision: 'allow', status: 'OK' },
        { operation: '/example.v1.Service/Refused', decision: 'deny', status: 'PERMISSION_DENIED' },
        { operation: 'GET /orders/{id}', decision: 'allow', status: 200 },
      ].map((line) => ({ trace_id: TRACE_ID, self: SELF, peer: PEER, ...line, self_serial: '0A', peer_serial: '0B' })),
    );
    assert.ok(requests.every((line) => /^[0-9a-f]{16}$/.test(String(line['span_id']))));
  });
});

test('without any exporter nothing is sent, and log lines still carry the trace that arrived', async () => {
  const { code, lines, spans, stderr } = await run({});
  assert.deepEqual({ code, spans, stderr }, { code: 0, spans: [], stderr: '' });
  const requests = lines.filter((line) => line['event'] === 'request');
  assert.deepEqual(
    requests.map((line) => line['trace_id']),
    [TRACE_ID, TRACE_ID, TRACE_ID],
  );
});

test('a Collector that can not be reached does not stop the process, and is complained about in JSON', async () => {
  const { code, lines, stderr } = await run({
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://127.0.0.1:1/v1/traces',
    OTEL_LOG_LEVEL: 'warn',
  });
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  assert.equal(lines.filter((line) => line['event'] === 'request').length, 3);
});
