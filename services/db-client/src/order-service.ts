/** The contract's OrderService over the store. Every call has passed the guard before it arrives here. */
import { type Call, requireCall } from '@countersign/authz';
import {
  type CreateOrderRequest,
  type CreateOrderResponse,
  checkOrderInput,
  type GetOrderRequest,
  type GetOrderResponse,
  isCursor,
  isOrderId,
  type ListOrdersRequest,
  type ListOrdersResponse,
  type OrderServiceServer,
} from '@countersign/contracts';
import {
  GrpcError,
  grpcError,
  type Hop,
  hopToHere,
  invalidField,
  streamHandler,
  unaryHandler,
} from '@countersign/service-kit';
import type { Logger } from '@countersign/telemetry';
import { type ServerUnaryCall, status as Status } from '@grpc/grpc-js';
import type { OrderFeed } from './order-feed.ts';
import { visibleOrder } from './order-message.ts';
import type { OrdersStore } from './orders-store.ts';
import { toGrpcStatus } from './to-grpc-status.ts';
import { watchOrders } from './watch-orders.ts';

/** What the service works with. */
export interface OrderServiceOptions {
  readonly store: OrdersStore;
  readonly feed: OrderFeed;
  readonly logger: Logger;
  readonly stopping: AbortSignal;
  /** The hop to the database, for answers in development; `undefined` leaves all hops out. */
  readonly databaseHop: ((operation: string) => Hop | undefined) | undefined;
}

const PAGE_SIZE = { fallback: 50, largest: 100 };

/** Makes the handlers. */
export function createOrderService(options: OrderServiceOptions): OrderServiceServer {
  const translate = (error: unknown) => (error instanceof GrpcError ? error : toGrpcStatus(error, options.logger));
  const hops = (operation: string) =>
    options.databaseHop ? [hopToHere(), options.databaseHop(operation)].filter(isHop) : [];
  return {
    createOrder: unaryHandler(
      async (call) => ({ response: await create(call, options.store), hops: hops('INSERT') }),
      translate,
    ),
    getOrder: unaryHandler(
      async (call) => ({ response: await find(call, options.store), hops: hops('SELECT') }),
      translate,
    ),
    listOrders: unaryHandler(
      async (call) => ({ response: await list(call, options.store), hops: hops('SELECT') }),
      translate,
    ),
    watchOrders: streamHandler((call) => {
      const { cursor } = call.request;
      if (cursor !== '' && !isCursor(cursor))
        throw invalidField({ field: 'cursor', rule: 'must come from this stream' });
      return watchOrders(call, cursor, options);
    }, translate),
  };
}

async function create(
  call: ServerUnaryCall<CreateOrderRequest, CreateOrderResponse>,
  store: OrdersStore,
): Promise<CreateOrderResponse> {
  const { item, quantity, customer, idempotencyKey } = call.request;
  const problem = checkOrderInput({ item, quantity, customer }, idempotencyKey);
  if (problem !== undefined) throw invalidField(problem);
  const createdBy = originOf(requireCall());
  const placement = await store.place({ item, quantity, customer, idempotencyKey, createdBy });
  if (placement.type === 'key-reused') {
    throw grpcError(Status.ALREADY_EXISTS, 'the idempotency key was used with another body', 'IDEMPOTENCY_KEY_REUSED');
  }
  return { order: visibleOrder(placement.order), replayed: placement.type === 'replayed' };
}

async function find(
  call: ServerUnaryCall<GetOrderRequest, GetOrderResponse>,
  store: OrdersStore,
): Promise<GetOrderResponse> {
  const { id } = call.request;
  if (!isOrderId(id)) throw invalidField({ field: 'id', rule: 'must be a UUID' });
  const order = await store.find(id);
  if (order === undefined) throw grpcError(Status.NOT_FOUND, 'there is no such order', 'ORDER_NOT_FOUND');
  return { order: visibleOrder(order) };
}

async function list(
  call: ServerUnaryCall<ListOrdersRequest, ListOrdersResponse>,
  store: OrdersStore,
): Promise<ListOrdersResponse> {
  const { pageSize, pageToken } = call.request;
  if (pageSize < 0 || pageSize > PAGE_SIZE.largest) {
    throw invalidField({ field: 'page_size', rule: `must be 1 to ${PAGE_SIZE.largest}` });
  }
  if (pageToken !== '' && !isCursor(pageToken))
    throw invalidField({ field: 'page_token', rule: 'must come from the page before' });
  const size = pageSize === 0 ? PAGE_SIZE.fallback : pageSize;
  // One more than asked for tells whether there is another page.
  const found = await store.list(size + 1, pageToken === '' ? undefined : pageToken);
  const page = found.slice(0, size);
  return { orders: page.map(visibleOrder), nextPageToken: found.length > size ? (page.at(-1)?.place ?? '') : '' };
}

/** ZERO TRUST: who placed an order is the verified origin of the call, never what a request says. */
function originOf({ chain, peer }: Call): string {
  return (chain?.origin ?? peer.id).toString();
}

function isHop(hop: Hop | undefined): hop is Hop {
  return hop !== undefined;
}
