/**
 * A Collector's OTLP/HTTP endpoints, JSON encoding: keeps what real exporters send. It stands for a Collector and proves what
 * leaves the services, not what any back end makes of it.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  type ReceivedLog,
  type ReceivedPoint,
  type ReceivedSpan,
  readLogs,
  readPoints,
  readSpans,
} from './otlp-decode.ts';

export type { ReceivedLog, ReceivedPoint, ReceivedSpan } from './otlp-decode.ts';

export interface OtlpReceiver {
  /** Set these in a service's environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly spans: readonly ReceivedSpan[];
  readonly logs: readonly ReceivedLog[];
  /** Latest value of each series. */
  readonly points: () => readonly ReceivedPoint[];
  /** Everything that came, as it came: for what must not be in it. */
  readonly texts: readonly string[];
  /** Resolves as soon as what came satisfies the condition; rejects with what arrived when it does not in time. */
  waitFor(condition: () => boolean, timeoutMs: number): Promise<void>;
  close(): Promise<void>;
}

export async function startOtlpReceiver(): Promise<OtlpReceiver> {
  const spans: ReceivedSpan[] = [];
  const logs: ReceivedLog[] = [];
  const series = new Map<string, ReceivedPoint>();
  const texts: string[] = [];
  const waiting = new Set<() => void>();
  const keep = (url: string | undefined, text: string) => {
    texts.push(text);
    if (url === '/v1/traces') spans.push(...readSpans(text));
    if (url === '/v1/logs') logs.push(...readLogs(text));
    if (url !== '/v1/metrics') return;
    for (const point of readPoints(text))
      series.set(JSON.stringify([point.service, point.name, Object.entries(point.labels)]), point);
  };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      keep(request.url, Buffer.concat(chunks).toString('utf8'));
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
      for (const look of waiting) look();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const points = () => [...series.values()];
  return {
    spans,
    logs,
    points,
    texts,
    env: environmentFor(port),
    waitFor: (condition, timeoutMs) =>
      waitFor({ waiting, condition, timeoutMs, seen: () => summarize({ spans, logs, points }) }),
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function environmentFor(port: number): Record<string, string> {
  return {
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    OTEL_BSP_SCHEDULE_DELAY: '200',
    OTEL_BLRP_SCHEDULE_DELAY: '200',
    OTEL_METRIC_EXPORT_INTERVAL: '500',
    OTEL_METRIC_EXPORT_TIMEOUT: '500',
  };
}

interface Wait {
  readonly waiting: Set<() => void>;
  readonly condition: () => boolean;
  readonly timeoutMs: number;
  readonly seen: () => string;
}

function waitFor({ waiting, condition, timeoutMs, seen }: Wait): Promise<void> {
  return new Promise((resolve, reject) => {
    const look = () => {
      if (!condition()) return;
      clearTimeout(timer);
      waiting.delete(look);
      resolve();
    };
    const timer = setTimeout(() => {
      waiting.delete(look);
      reject(new Error(`what was expected did not arrive within ${timeoutMs} ms; got:\n${seen()}`));
    }, timeoutMs);
    waiting.add(look);
    look();
  });
}

function summarize({ spans, logs, points }: Pick<OtlpReceiver, 'spans' | 'logs' | 'points'>): string {
  return [
    ...spans.map(({ service, name, kind }) => `span ${service}: ${name} (${kind})`),
    ...logs.map(({ service, event }) => `log ${service}: ${event}`),
    ...points().map(
      ({ service, name, labels, value }) => `metric ${service}: ${name} ${JSON.stringify(labels)} ${value}`,
    ),
  ].join('\n');
}
