/**
 * Stands for Jaeger or Tempo behind the Collector: OTLP over gRPC without TLS on a free port. It keeps exports as they came:
 * what matters is that they come, their content is proved where services export.
 */
import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData } from '@grpc/grpc-js';

const EXPORT = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';
const same = (bytes: Buffer) => bytes;

/** A running one. */
export interface TraceStore {
  readonly address: string;
  /** Resolves when an export holds all of these. */
  received(parts: readonly Buffer[], signal: AbortSignal): Promise<void>;
  close(): void;
}

/** Starts it. */
export async function startTraceStore(): Promise<TraceStore> {
  const exports: Buffer[] = [];
  const waiting = new Set<() => void>();
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
      export: ({ request }: ServerUnaryCall<Buffer, Buffer>, answer: sendUnaryData<Buffer>) => {
        exports.push(request);
        for (const look of waiting) look();
        answer(null, Buffer.alloc(0));
      },
    },
  );
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  );
  return {
    address: `127.0.0.1:${port}`,
    close: () => server.forceShutdown(),
    received: (parts, signal) =>
      new Promise((resolve, reject) => {
        const look = () => {
          if (!exports.some((bytes) => parts.every((part) => bytes.includes(part)))) return;
          waiting.delete(look);
          resolve();
        };
        const give = () => reject(new Error(`no export of ${exports.length} has ${parts.join(', ')}`));
        signal.addEventListener('abort', give, { once: true });
        waiting.add(look);
        look();
      }),
  };
}
