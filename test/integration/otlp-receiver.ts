/**
 * A Collector's OTLP/HTTP trace endpoint, JSON encoding: keeps what real exporters send. It stands for a Collector and proves
 * what leaves the services, not what any back end makes of it.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A span as a test needs it. */
export interface ReceivedSpan {
  readonly service: string;
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  /** 1 internal, 2 server, 3 client (OTLP's numbers). */
  readonly kind: number;
  readonly attributes: Readonly<Record<string, string>>;
}

export interface OtlpReceiver {
  /** Set these in a service's environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly spans: readonly ReceivedSpan[];
  /** Resolves as soon as the spans so far satisfy the condition; rejects with what arrived when they do not in time. */
  waitFor(condition: (spans: readonly ReceivedSpan[]) => boolean, timeoutMs: number): Promise<void>;
  close(): Promise<void>;
}

export async function startOtlpReceiver(): Promise<OtlpReceiver> {
  const spans: ReceivedSpan[] = [];
  const waiting = new Set<() => void>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      if (request.url === '/v1/traces') spans.push(...readSpans(Buffer.concat(chunks).toString('utf8')));
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
      for (const look of waiting) look();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    spans,
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_BSP_SCHEDULE_DELAY: '200',
      OTEL_METRICS_EXPORTER: 'none',
      OTEL_LOGS_EXPORTER: 'none',
    },
    waitFor: (condition, timeoutMs) => waitFor({ spans, waiting, condition, timeoutMs }),
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

interface Wait {
  readonly spans: readonly ReceivedSpan[];
  readonly waiting: Set<() => void>;
  readonly condition: (spans: readonly ReceivedSpan[]) => boolean;
  readonly timeoutMs: number;
}

function waitFor({ spans, waiting, condition, timeoutMs }: Wait): Promise<void> {
  return new Promise((resolve, reject) => {
    const look = () => {
      if (!condition(spans)) return;
      clearTimeout(timer);
      waiting.delete(look);
      resolve();
    };
    const timer = setTimeout(() => {
      waiting.delete(look);
      const seen = spans.map(({ service, name, kind }) => `${service}: ${name} (${kind})`).join('\n');
      reject(new Error(`the expected spans did not arrive within ${timeoutMs} ms; got:\n${seen}`));
    }, timeoutMs);
    waiting.add(look);
    look();
  });
}

interface OtlpAttribute {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}

interface OtlpSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly kind: number;
  readonly attributes?: readonly OtlpAttribute[];
}

interface OtlpExport {
  readonly resourceSpans?: ReadonlyArray<{
    readonly resource?: { readonly attributes?: readonly OtlpAttribute[] };
    readonly scopeSpans?: ReadonlyArray<{ readonly spans?: readonly OtlpSpan[] }>;
  }>;
}

function readSpans(text: string): ReceivedSpan[] {
  const document: OtlpExport = JSON.parse(text);
  return (document.resourceSpans ?? []).flatMap(({ resource, scopeSpans }) => {
    const service = flatten(resource?.attributes)['service.name'] ?? '';
    const spans = (scopeSpans ?? []).flatMap((scope) => scope.spans ?? []);
    return spans.map((span) => ({
      service,
      name: span.name,
      traceId: span.traceId,
      spanId: span.spanId,
      parentSpanId: span.parentSpanId ?? '',
      kind: span.kind,
      attributes: flatten(span.attributes),
    }));
  });
}

function flatten(attributes: readonly OtlpAttribute[] = []): Record<string, string> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, String(Object.values(value)[0])]));
}
