/**
 * Stands for Jaeger or Tempo behind the Collector: OTLP over gRPC without TLS on a free port. It keeps exports as they came:
 * what matters is that they come, their content is proved where services export.
 */
import { startOtlpGrpcReceiver } from '@countersign/otlp-receiver';

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
  const received = ({ body }: { readonly body: Buffer }) => {
    exports.push(body);
    for (const look of waiting) look();
  };
  const receiver = await startOtlpGrpcReceiver({ address: '127.0.0.1:0', sink: { received } });
  return {
    address: `127.0.0.1:${receiver.port}`,
    close: receiver.close,
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
