/** Runs a fixture under telemetry, and keeps its lines and the spans that a Collector got of it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';

/** A span as it came. */
export interface Span {
  readonly name: string;
  readonly kind: number;
  readonly traceId: string;
  readonly traceState?: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/** What a fixture did. */
export interface Run {
  readonly code: number | null;
  readonly lines: ReadonlyArray<Record<string, unknown>>;
  readonly spans: readonly Span[];
  readonly stderr: string;
}

/** A Collector's trace endpoint, and how to run a fixture that sends there, or as `env` says. */
export interface TracedRuns {
  exporting(): Record<string, string>;
  run(fixture: URL, env: Record<string, string>, ...args: readonly string[]): Promise<Run>;
  close(): void;
}

export async function startTracedRuns(): Promise<TracedRuns> {
  const received: Span[] = [];
  const collector = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray()).toString();
    if (request.url === '/v1/traces') received.push(...spansIn(JSON.parse(body)));
    response.setHeader('content-type', 'application/json').end('{}');
  });
  collector.listen(0, '127.0.0.1');
  await once(collector, 'listening');
  return {
    exporting() {
      const address = collector.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      return { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' };
    },
    async run(fixture, env, ...args) {
      received.length = 0;
      const path = fileURLToPath(fixture);
      const options = { env, stdio: ['ignore', 'pipe', 'pipe'] } satisfies Parameters<typeof spawn>[2];
      const child = spawn(process.execPath, [path, JSON.stringify(env), ...args], options);
      const output = Promise.all([child.stdout?.toArray() ?? [], child.stderr?.toArray() ?? []]);
      const [code] = await once(child, 'exit');
      const [stdout, stderr] = (await output).map((chunks) => Buffer.concat(chunks).toString());
      const lines = (stdout ?? '').split('\n').filter((line) => line !== '');
      return { code, lines: lines.map((line) => JSON.parse(line)), spans: [...received], stderr: stderr ?? '' };
    },
    close() {
      collector.close();
      collector.closeAllConnections();
    },
  };
}

interface OtlpTraces {
  readonly resourceSpans: ReadonlyArray<{
    readonly scopeSpans: ReadonlyArray<{
      readonly spans: ReadonlyArray<Omit<Span, 'attributes'> & { readonly attributes: readonly OtlpAttribute[] }>;
    }>;
  }>;
}
interface OtlpAttribute {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}

function spansIn(document: OtlpTraces): Span[] {
  return document.resourceSpans
    .flatMap((resource) => resource.scopeSpans)
    .flatMap((scope) => scope.spans)
    .map((span) => ({
      ...span,
      attributes: Object.fromEntries(span.attributes.map(({ key, value }) => [key, String(Object.values(value)[0])])),
    }));
}
