/**
 * A real Collector with the shipped configuration between the running system and what stands behind it: traces, metrics and
 * logs of an order on each transport come out where the configuration says, and Prometheus' names are those that alerts and
 * dashboard ask for.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ATTRIBUTES, METRIC_DEFINITIONS } from '@countersign/telemetry';
import { call } from '../integration/json-client.ts';
import { runProgram } from '../integration/run-program.ts';
import { startTestSystem } from '../integration/test-system.ts';
import { COLLECTOR_FILES } from './dashboard.ts';
import { peerProgram } from './interop.ts';
import { type PeerProcess, startPeer } from './peer-process.ts';
import { freePort, printed, textOf } from './program.ts';
import { startTraceStore, type TraceStore } from './trace-store.ts';

const SERVICES = ['customer', 'backend', 'db-client'] as const;
const WAIT_MS = 30_000;

/** Where it takes and where it gives. */
interface Collector {
  readonly process: PeerProcess;
  readonly otlpUrl: string;
  readonly scrapeUrl: string;
  readonly ownUrl: string;
}

async function startCollector(t: TestContext, traces: string): Promise<Collector> {
  const [grpc, http, prometheus, own] = await Promise.all([freePort(), freePort(), freePort(), freePort()]);
  const process = startPeer(t, {
    command: peerProgram('otelcol-contrib'),
    args: ['--config', 'otel-collector.yaml'],
    cwd: COLLECTOR_FILES,
    env: {
      COLLECTOR_OTLP_GRPC: `127.0.0.1:${grpc}`,
      COLLECTOR_OTLP_HTTP: `127.0.0.1:${http}`,
      COLLECTOR_TRACES_TO: traces,
      COLLECTOR_PROMETHEUS: `127.0.0.1:${prometheus}`,
      COLLECTOR_OWN_METRICS_PORT: `${own}`,
    },
  });
  await printed(process, /Everything is ready/);
  const metrics = (port: number) => `http://127.0.0.1:${port}/metrics`;
  return { process, otlpUrl: `http://127.0.0.1:${http}`, scrapeUrl: metrics(prometheus), ownUrl: metrics(own) };
}

/** A series as Prometheus scrapes it. */
interface Series {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

async function scrape(url: string): Promise<Series[]> {
  const text = await (await fetch(url)).text();
  return Array.from(text.matchAll(/^(\w+)\{(.*)\} (\S+)/gm), ([, name = '', labels = '', value]) => ({
    name,
    value: Number(value),
    labels: Object.fromEntries(Array.from(labels.matchAll(/(\w+)="([^"]*)"/g), ([, label, value]) => [label, value])),
  }));
}

/** Asks until `is` holds. */
async function scrapeUntil(url: string, is: (series: readonly Series[]) => boolean, signal: AbortSignal) {
  for (;;) {
    const series = await scrape(url);
    if (is(series)) return series;
    if (signal.aborted) return assert.fail(`what was expected is not among ${JSON.stringify(series.map(shortly))}`);
  }
}

const shortly = ({ name, labels }: Series) => `${labels['job']}: ${name}`;

/** Services of whose log records the Collector printed one that is a request in this trace. */
function servicesPrinted(process: PeerProcess, traceId: string): string[] {
  const resources = textOf(process).split(/^ResourceLog #/m);
  return SERVICES.filter((service) =>
    resources.some(
      (resource) =>
        resource.includes(`service.name: Str(${service})`) &&
        resource
          .split(/^LogRecord #/m)
          .some((record) => /^EventName: request$/m.test(record) && record.includes(`Trace ID: ${traceId}`)),
    ),
  );
}

/** Words of alerts and dashboard that are metrics or their labels. */
async function askedFor(): Promise<string[]> {
  const files = ['alerts.yaml', 'grafana/dashboard.json'].map((name) => readFile(join(COLLECTOR_FILES, name), 'utf8'));
  const text = (await Promise.all(files)).join('\n');
  return [...new Set(text.match(/\b(?:spiffe|authz|caller_chain|refusal|svid)_\w+/g))];
}

/** An order by each transport, an intruder, a rotation: something to count of every kind. */
async function liveAWhile(t: TestContext, { otlpUrl }: Collector) {
  const env = {
    OTEL_EXPORTER_OTLP_ENDPOINT: otlpUrl,
    OTEL_BSP_SCHEDULE_DELAY: '200',
    OTEL_BLRP_SCHEDULE_DELAY: '200',
    OTEL_METRIC_EXPORT_INTERVAL: '500',
    OTEL_METRIC_EXPORT_TIMEOUT: '500',
  };
  const system = await startTestSystem({ env: { ...process.env, ...env } });
  t.after(() => system.stop());
  const traces: string[] = [];
  for (const via of ['http', 'grpc']) {
    const body = { item: 'tea', quantity: 1, customer: 'Ada Lovelace', via };
    const answer = await call(`${system.customerUrl}/api/orders`, { body });
    assert.equal(answer.status, 201, answer.text);
    traces.push(String(answer.body?.['trace_id']));
  }
  const rogue = await runProgram('packages/local-stack/src/rogue/main.ts', [], {
    COUNTERSIGN_STATE_DIR: system.stateDirectory,
  });
  assert.equal(rogue.code, 0, rogue.stdout);
  await system.control.rotate();
  return { traces, idOf: (name: string) => system.identities.workload(name).spiffeId };
}

async function assertTraces(store: TraceStore, traces: readonly string[], idOf: (name: string) => string) {
  for (const trace of traces)
    for (const service of SERVICES)
      await store.received(
        [Buffer.from(trace, 'hex'), Buffer.from(service), Buffer.from(ATTRIBUTES.selfId), Buffer.from(idOf(service))],
        AbortSignal.timeout(WAIT_MS),
      );
}

test('what the system sends to the shipped Collector comes out of it', async (t) => {
  const store = await startTraceStore();
  t.after(() => store.close());
  const collector = await startCollector(t, store.address);
  const { traces, idOf } = await liveAWhile(t, collector);

  await t.test('traces, of every service', () => assertTraces(store, traces, idOf));

  await t.test('metrics, all that alerts and dashboard ask for, by service and process', async () => {
    const words = await askedFor();
    assert.ok(words.length > Object.keys(METRIC_DEFINITIONS).length);
    const namesIn = (series: readonly Series[]) =>
      new Set(series.flatMap(({ name, labels }) => [name, ...Object.keys(labels)]));
    const isWhole = (series: readonly Series[]) => words.every((word) => namesIn(series).has(word));
    const series = await scrapeUntil(collector.scrapeUrl, isWhole, AbortSignal.timeout(WAIT_MS));
    const processes = series.filter(({ name }) => name === 'spiffe_svid_available').map(({ labels }) => labels);
    assert.deepEqual(processes.map(({ job = '' }) => job).sort(), [...SERVICES].sort());
    assert.equal(new Set(processes.map(({ instance }) => instance)).size, SERVICES.length);
    for (const { name, labels } of series) {
      assert.ok(labels['job'] && labels['instance'], name);
      assert.ok(!Object.values(labels).includes(idOf('rogue')), name);
    }
  });

  await t.test('logs, the line of an order of every service', { timeout: WAIT_MS }, async () => {
    for (const trace of traces) {
      const isNew = (line: unknown) => line === collector.process.lines.at(-1);
      await collector.process.line(
        (line) => isNew(line) && servicesPrinted(collector.process, trace).length === 3,
        trace,
      );
    }
  });

  await t.test('and it lost nothing on the way, by its own count', async () => {
    const named = (part: string) => (series: Series) =>
      series.name.startsWith('otelcol_') && series.name.includes(part);
    const isSent = (series: readonly Series[]) =>
      series.some((it) => named('exporter_sent_spans')(it) && it.value > 0) && series.some(named('receiver_refused_'));
    const own = await scrapeUntil(collector.ownUrl, isSent, AbortSignal.timeout(WAIT_MS));
    const counts = own.filter((it) => ['_refused_', '_failed_', '_dropped_'].some((part) => named(part)(it)));
    assert.deepEqual(
      counts.filter(({ value }) => value !== 0),
      [],
    );
  });
});
