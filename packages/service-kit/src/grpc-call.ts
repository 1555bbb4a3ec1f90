/** gRPC calls as a client makes them: unary ones as promises, streams as async iterables, and the settings of both. */
import type {
  CallOptions,
  ChannelOptions,
  ClientReadableStream,
  ClientUnaryCall,
  Metadata,
  ServiceError,
} from '@grpc/grpc-js';
import { Metadata as GrpcMetadata } from '@grpc/grpc-js';
import type { DeadlineMs } from './deadline.ts';
import { HOPS_NAME, type Hop, parseHops } from './hops.ts';

/** A method of a generated client, bound to it. */
export type UnaryMethod<Request, Response> = (
  request: Request,
  metadata: Metadata,
  options: Partial<CallOptions>,
  callback: (error: ServiceError | null, response: Response) => void,
) => ClientUnaryCall;

/** An answer and the hops it took. */
export interface Answer<Response> {
  readonly response: Response;
  readonly hops: Hop[];
}

/**
 * Settings of a channel to one of our services. Every unary method may be sent again: reads change nothing, and an order
 * always carries an idempotency key by the time it leaves a process. UNAVAILABLE alone is tried again.
 */
export const CHANNEL_OPTIONS: ChannelOptions = {
  'grpc.keepalive_time_ms': 30_000,
  'grpc.keepalive_timeout_ms': 5_000,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 500,
  'grpc.max_receive_message_length': 1024 * 1024,
  'grpc.enable_http_proxy': 0,
  // Servers come and go by their name's addresses. grpc-js asks at most every 30 s unless told otherwise, and until then calls
  // would wait for a server that was replaced.
  'grpc.dns_min_time_between_resolutions_ms': 1_000,
  // How calls are made is for this file to say, not for whoever answers DNS.
  'grpc.service_config_disable_resolution': 1,
  'grpc.service_config': JSON.stringify({
    // Each call to the next server of the name. The default takes one for all calls.
    loadBalancingConfig: [{ round_robin: {} }],
    methodConfig: [
      {
        name: [{}],
        retryPolicy: {
          maxAttempts: 3,
          initialBackoff: '0.05s',
          maxBackoff: '0.5s',
          backoffMultiplier: 2,
          retryableStatusCodes: ['UNAVAILABLE'],
        },
      },
    ],
  }),
};

/** Settings of a gRPC server of ours. */
export const SERVER_OPTIONS = {
  // A client learns of servers that were added when it connects again, so now and then it is asked to. Calls and streams in
  // progress stay on the old connection until they end.
  'grpc.max_connection_age_ms': 30_000,
  'grpc.keepalive_time_ms': 30_000,
  'grpc.keepalive_timeout_ms': 5_000,
  'grpc.max_concurrent_streams': 256,
  'grpc.max_receive_message_length': 64 * 1024,
} as const satisfies ChannelOptions;

/**
 * Calls a unary method. Rejects with the `ServiceError`. A server that is just being restarted is waited for, as long as
 * the deadline lets, instead of failing the call while the connection is made again.
 */
export function callUnary<Request, Response>(
  method: UnaryMethod<Request, Response>,
  request: Request,
  deadline: DeadlineMs,
): Promise<Answer<Response>> {
  return new Promise((resolve, reject) => {
    let hops: Hop[] = [];
    let response: Response | undefined;
    const call = method(
      request,
      new GrpcMetadata({ waitForReady: true }),
      { deadline: new Date(deadline) },
      (error, value) => {
        if (error !== null) reject(error);
        else response = value;
      },
    );
    // The status comes after the answer and has the trailing metadata.
    call.on('status', (status) => {
      hops = parseHops(status.metadata.get(HOPS_NAME)[0]?.toString());
      if (response !== undefined) resolve({ response, hops });
    });
  });
}

/** Ends a client stream when the signal is aborted, and forgets it when the stream has ended. */
export function cancelOnAbort(stream: ClientReadableStream<unknown>, signal: AbortSignal): void {
  const cancel = () => stream.cancel();
  if (signal.aborted) cancel();
  signal.addEventListener('abort', cancel, { once: true });
  const forget = () => signal.removeEventListener('abort', cancel);
  stream.once('end', forget).once('error', forget);
}
