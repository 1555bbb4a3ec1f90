/**
 * Orders as backend offers them, whatever the transport: checked here, kept by db-client, shown as far as the caller's
 * grant goes.
 */
import { randomUUID } from 'node:crypto';
import { applyObligations, currentCall, MASKED } from '@countersign/authz';
import {
  type CreateOrderRequest,
  checkOrderInput,
  type GetOrderRequest,
  isOrderId,
  type ListOrdersRequest,
  type ListOrdersResponse,
  type Order,
  type OrderServiceClient,
  type WatchOrdersRequest,
  type WatchOrdersResponse,
} from '@countersign/contracts';
import {
  callUnary,
  type DeadlineMs,
  GrpcError,
  type Hop,
  invalidField,
  nextHopDeadline,
} from '@countersign/service-kit';
import { type ClientReadableStream, status as Status } from '@grpc/grpc-js';

/** A result and the calls it took behind this service. */
export interface Found<T> {
  readonly value: T;
  readonly hops: readonly Hop[];
}

/** Orders, for the handlers of every transport. Each rejects with a `GrpcError` or the `ServiceError` of db-client. */
export interface OrdersGateway {
  create(request: CreateOrderRequest, deadline: DeadlineMs): Promise<Found<{ order: Order; replayed: boolean }>>;
  get(request: GetOrderRequest, deadline: DeadlineMs): Promise<Found<Order>>;
  list(request: ListOrdersRequest, deadline: DeadlineMs): Promise<Found<ListOrdersResponse>>;
  watch(request: WatchOrdersRequest): ClientReadableStream<WatchOrdersResponse>;
}

/** Makes a gateway over a client of db-client. */
export function createOrdersGateway(client: OrderServiceClient): OrdersGateway {
  return {
    async create(request, deadline) {
      const problem = checkOrderInput(request, request.idempotencyKey);
      if (problem !== undefined) throw invalidField(problem);
      // Without a key a fresh one stands in, which lets the call be retried. db-client keeps keys apart by the origin.
      const forward = { ...request, idempotencyKey: request.idempotencyKey || randomUUID() };
      const { response, hops } = await callUnary(client.createOrder.bind(client), forward, nextHopDeadline(deadline));
      return { value: { order: visible(response.order), replayed: response.replayed }, hops };
    },
    async get(request, deadline) {
      if (!isOrderId(request.id)) throw invalidField({ field: 'id', rule: 'must be a UUID' });
      const { response, hops } = await callUnary(client.getOrder.bind(client), request, nextHopDeadline(deadline));
      return { value: visible(response.order), hops };
    },
    async list(request, deadline) {
      const { response, hops } = await callUnary(client.listOrders.bind(client), request, nextHopDeadline(deadline));
      return { value: { ...response, orders: response.orders.map(visible) }, hops };
    },
    watch: (request) => client.watchOrders(request),
  };
}

/** What the grant of the call in progress lets the caller see. Without a call nothing is shown. */
export function visible(order: Order | undefined): Order {
  const call = currentCall();
  if (order === undefined || call === undefined) throw new GrpcError(Status.INTERNAL, 'there is no order to show');
  const maskable = order.customer === undefined ? { ...order, customer: MASKED } : order;
  return applyObligations(call.decision, maskable);
}
