/** Backend's gRPC services. Every call has passed the guard before it arrives here. */
import type {
  HelloServiceServer,
  OrderServiceServer,
  WatchOrdersRequest,
  WatchOrdersResponse,
} from '@countersign/contracts';
import {
  cancelOnAbort,
  deadlineOfCall,
  GrpcError,
  grpcError,
  type Hop,
  hopToHere,
  isServiceError,
  relayError,
  sendMessage,
  streamEnd,
  streamHandler,
  unaryHandler,
} from '@countersign/service-kit';
import { peerOf } from '@countersign/spiffe-tls';
import type { Logger } from '@countersign/telemetry';
import { type ServerWritableStream, status as Status } from '@grpc/grpc-js';
import { type OrdersGateway, visible } from './orders-gateway.ts';

/** What the services work with. */
export interface GrpcServicesOptions {
  readonly orders: OrdersGateway;
  readonly logger: Logger;
  /** Aborted when the process stops. */
  readonly stopping: AbortSignal;
  /** Adds the hops of each call to its trailing metadata. */
  readonly development: boolean;
}

const STREAM_LIFETIME_MS = 10 * 60_000;

/** Says hello to whom the connection proved. */
export function createHelloService(options: GrpcServicesOptions): HelloServiceServer {
  return {
    sayHello: unaryHandler(async (call) => {
      const peer = peerOf(call);
      if (peer === undefined) throw grpcError(Status.UNAUTHENTICATED, 'the connection is no longer verified');
      return { response: { message: `Hello ${peer.id.toString()} from the server` }, hops: hops(options, []) };
    }, translateWith(options.logger)),
  };
}

/** Orders, kept by db-client. */
export function createOrderService(options: GrpcServicesOptions): OrderServiceServer {
  const { orders } = options;
  const translate = translateWith(options.logger);
  return {
    createOrder: unaryHandler(async (call) => {
      const { value, hops: behind } = await orders.create(call.request, deadlineOfCall(call));
      return { response: value, hops: hops(options, behind) };
    }, translate),
    getOrder: unaryHandler(async (call) => {
      const { value, hops: behind } = await orders.get(call.request, deadlineOfCall(call));
      return { response: { order: value }, hops: hops(options, behind) };
    }, translate),
    listOrders: unaryHandler(async (call) => {
      const { value, hops: behind } = await orders.list(call.request, deadlineOfCall(call));
      return { response: value, hops: hops(options, behind) };
    }, translate),
    watchOrders: streamHandler((call) => relayStream(call, options), translate),
  };
}

/** Passes db-client's stream on, no faster than the caller takes it. Whatever ends it there ends it here, as an end to resume after. */
async function relayStream(
  call: ServerWritableStream<WatchOrdersRequest, WatchOrdersResponse>,
  { orders, stopping }: GrpcServicesOptions,
): Promise<GrpcError> {
  const ended = streamEnd(call, stopping, STREAM_LIFETIME_MS);
  const upstream = orders.watch(call.request);
  cancelOnAbort(upstream, ended.signal);
  try {
    for await (const message of upstream) {
      const { cursor, order } = readMessage(message);
      await sendMessage(call, { cursor, order: order === undefined ? undefined : visible(order) }, ended.signal);
    }
  } catch (error) {
    if (!ended.signal.aborted) throw error;
  } finally {
    ended.release();
    upstream.cancel();
  }
  return grpcError(
    Status.UNAVAILABLE,
    'the stream has ended as planned: open it again with the last cursor',
    'STREAM_RENEWAL',
  );
}

/** Streams are iterated as `any`; the generated decoder has already checked what is in it. */
function readMessage(message: WatchOrdersResponse): WatchOrdersResponse {
  return message;
}

function hops({ development }: GrpcServicesOptions, behind: readonly Hop[]): readonly Hop[] {
  const own = hopToHere();
  return development && own !== undefined ? [own, ...behind] : [];
}

function translateWith(logger: Logger): (error: unknown) => GrpcError {
  return (error) => {
    if (isServiceError(error)) return relayError(error);
    logger.error({ event: 'handler_failed', err: error });
    return new GrpcError(Status.INTERNAL, 'the service failed');
  };
}
