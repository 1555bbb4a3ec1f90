/**
 * Stands for Jaeger where its image can't be had: takes OTLP over gRPC, keeps the latest traces in memory, and answers the
 * query API's `/api/services` and `/api/traces/{id}`. It has no page.
 */
import { once } from 'node:events';
import { createServer, type Server as HttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type Span, startOtlpGrpcReceiver } from '@countersign/otlp-receiver';
import { serviceOf, traceDocument } from './query-document.ts';

/** As many as Jaeger's configuration in packages/telemetry/collector keeps. */
const MAX_TRACES = 20_000;

/** Where it listens, host and port. */
export interface StandInAddresses {
  readonly otlp: string;
  readonly query: { readonly host: string; readonly port: number };
}

/** A running one. */
export interface StandIn {
  readonly otlpPort: number;
  readonly query: HttpServer;
  close(): void;
}

/** Starts it. */
export async function startStandIn(addresses: StandInAddresses): Promise<StandIn> {
  const traces = new Map<string, Span[]>();
  const spans = (received: readonly Span[]) => {
    for (const span of received) keep(traces, span);
  };
  const otlp = await startOtlpGrpcReceiver({ address: addresses.otlp, sink: { spans } });
  const query = createServer((request, response) => answer(traces, request, response));
  query.listen(addresses.query);
  await once(query, 'listening');
  return {
    otlpPort: otlp.port,
    query,
    close: () => {
      otlp.close();
      query.close();
      query.closeAllConnections();
    },
  };
}

function keep(traces: Map<string, Span[]>, span: Span): void {
  const spans = traces.get(span.traceId);
  if (spans !== undefined) spans.push(span);
  else traces.set(span.traceId, [span]);
  if (traces.size <= MAX_TRACES) return;
  for (const [oldest] of traces) {
    traces.delete(oldest);
    break;
  }
}

function answer(traces: Map<string, Span[]>, { url = '' }: IncomingMessage, response: ServerResponse): void {
  const traceId = /^\/api\/traces\/([0-9a-f]{32})$/.exec(url)?.[1];
  const spans = traceId === undefined ? undefined : traces.get(traceId);
  const [code, document] =
    traceId !== undefined && spans !== undefined
      ? [200, traceDocument(traceId, spans)]
      : url === '/api/services'
        ? [200, { data: servicesOf(traces) }]
        : [404, { data: null, errors: [{ code: 404, msg: 'trace not found' }] }];
  response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(document));
}

function servicesOf(traces: Map<string, Span[]>): string[] {
  return [...new Set([...traces.values()].flatMap((spans) => spans.map(serviceOf)))].sort();
}
