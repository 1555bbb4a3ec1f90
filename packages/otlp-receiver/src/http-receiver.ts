/** A server that receives OTLP over HTTP and does nothing else. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createOtlpHttpHandler, type OtlpHttpOptions } from './http-handler.ts';

/** Where {@link startOtlpHttpReceiver} listens, and how it receives. */
export interface OtlpHttpReceiverOptions extends OtlpHttpOptions {
  /** Keep to loopback: who sends is not asked. */
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
}

/** A server that listens. */
export interface OtlpHttpReceiver {
  /** `port` is the one that was taken. */
  readonly address: { readonly host: string; readonly port: number };
  /** Ends it, connections too. */
  close(): Promise<void>;
}

/** A body of some megabytes takes no longer over loopback; a client that is slower on purpose holds no slot. */
const REQUEST_MS = 10_000;

/** Starts it. Rejects when it can't listen. */
export async function startOtlpHttpReceiver(options: OtlpHttpReceiverOptions): Promise<OtlpHttpReceiver> {
  const server = createServer(
    { requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS, connectionsCheckingInterval: REQUEST_MS / 4 },
    createOtlpHttpHandler(options),
  );
  server.listen(options.port, options.host);
  await once(server, 'listening');
  const bound = server.address();
  return {
    address: { host: options.host, port: typeof bound === 'object' && bound !== null ? bound.port : options.port },
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
