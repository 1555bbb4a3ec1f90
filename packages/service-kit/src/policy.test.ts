/** The last reading of a service's metrics, which telemetry takes as it stops, has what the policy did until its end. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { listenUntilEnd } from '../test/listen.ts';

const FIXTURE = fileURLToPath(new URL('../test/deciding-service.fixture.ts', import.meta.url));
const HOUR_MS = '3600000';

/** Takes uploads of the decision log and exports of telemetry. Gives its address, and the exports of metrics. */
async function startReceiver(t: TestContext) {
  const uploads: string[] = [];
  const metrics: string[] = [];
  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray()).toString();
    if (request.url === '/logs') uploads.push(body);
    if (request.url === '/v1/metrics') metrics.push(body);
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  });
  const port = await listenUntilEnd(t, server);
  return { url: `http://127.0.0.1:${port}`, uploads, metrics };
}

interface Point {
  readonly asInt?: number | string;
  readonly asDouble?: number;
  readonly attributes: ReadonlyArray<{ readonly key: string; readonly value: { readonly stringValue?: string } }>;
}

interface Metric {
  readonly name: string;
  readonly sum?: { readonly dataPoints: readonly Point[] };
  readonly gauge?: { readonly dataPoints: readonly Point[] };
}

/** `name{label values}: value` of every point. */
function pointsOf(text: string): Map<string, number> {
  const { resourceMetrics } = JSON.parse(text);
  const all: Metric[] = resourceMetrics.flatMap(({ scopeMetrics }: { scopeMetrics: Array<{ metrics: Metric[] }> }) =>
    scopeMetrics.flatMap(({ metrics }) => metrics),
  );
  return new Map(
    all.flatMap(({ name, sum, gauge }) =>
      (sum ?? gauge ?? { dataPoints: [] }).dataPoints.map(({ asInt, asDouble, attributes }) => {
        const labels = attributes.map(({ value }) => value.stringValue).join();
        return [`${name}{${labels}}`, Number(asInt ?? asDouble)] as const;
      }),
    ),
  );
}

test('what the decision log delivers as it closes, and the policy, are in the last reading', async (t) => {
  const { url, uploads, metrics } = await startReceiver(t);
  const env = {
    SPIFFE_ENDPOINT_SOCKET: 'unix:///nowhere/api.sock',
    ...{ DECISION_LOG: 'log,endpoint', DECISION_LOG_URL: url },
    // Nothing is sent, and nothing read, before the end.
    ...{ DECISION_LOG_MIN_DELAY_MS: HOUR_MS, DECISION_LOG_MAX_DELAY_MS: HOUR_MS, OTEL_METRIC_EXPORT_INTERVAL: HOUR_MS },
    ...{ OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' },
  };
  const child = spawn(process.execPath, [FIXTURE], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  for await (const line of createInterface({ input: child.stdout })) {
    if (JSON.parse(line).event === 'listening') child.kill('SIGTERM');
  }
  assert.deepEqual(await exited, [0, null]);
  assert.deepEqual([uploads.length, metrics.length], [1, 1]);
  const points = pointsOf(metrics[0] ?? '');
  assert.equal(points.get('authz.decision_log.records{sent}'), 1, [...points.keys()].join());
  assert.equal(points.get('authz.decision_log.records{dropped}'), 0);
  assert.equal(points.get('authz.policy.available{}'), 1);
});
