/**
 * Stands for Jaeger where its image can't be had: takes OTLP over gRPC, keeps the latest traces in memory, and answers the
 * query API's `/api/services` and `/api/traces/{id}`. It has no page.
 */
import { once } from 'node:events';
import { createServer, type Server as HttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData, status } from '@grpc/grpc-js';
import { readSpans, type Span } from './otlp-spans.ts';
import { traceDocument } from './query-document.ts';

const EXPORT = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';
const same = (bytes: Buffer) => bytes;
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
  const otlp = otlpServer((spans) => {
    for (const span of spans) keep(traces, span);
  });
  const otlpPort = await bind(otlp, addresses.otlp);
  const query = createServer((request, response) => answer(traces, request, response));
  query.listen(addresses.query);
  await once(query, 'listening');
  return {
    otlpPort,
    query,
    close: () => {
      otlp.forceShutdown();
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

function otlpServer(take: (spans: Span[]) => void): Server {
  const server = new Server();
  const codec = {
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  };
  server.addService(
    { export: { path: EXPORT, requestStream: false, responseStream: false, ...codec } },
    {
      export: ({ request }: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>) => {
        try {
          take(readSpans(request));
          done(null, Buffer.alloc(0));
        } catch (error) {
          done({ code: status.INVALID_ARGUMENT, details: String(error) });
        }
      },
    },
  );
  return server;
}

function bind(server: Server, address: string): Promise<number> {
  return new Promise((resolve, reject) =>
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, port) =>
      error === null ? resolve(port) : reject(error),
    ),
  );
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
  return [...new Set([...traces.values()].flatMap((spans) => spans.map(({ service }) => service)))].sort();
}
