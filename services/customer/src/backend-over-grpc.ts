/** {@link Backend} over gRPC. */
import { HelloServiceClient, type Order, OrderServiceClient, toOrderJson } from '@countersign/contracts';
import {
  type Answer,
  callUnary,
  type GrpcConnection,
  grpcToHttpProblem,
  isServiceError,
} from '@countersign/service-kit';
import { type Backend, BackendError, type Reply } from './backend.ts';

/** Makes it on an open connection. */
export function createGrpcBackend(connection: GrpcConnection, development: boolean): Backend {
  const hello = new HelloServiceClient(...connection.clientArguments);
  const orders = new OrderServiceClient(...connection.clientArguments);
  const reply = <Response, T>(answer: Promise<Answer<Response>>, read: (response: Response) => T) =>
    toReply(answer, read, development);
  return {
    hello: (deadline) => reply(callUnary(hello.sayHello.bind(hello), {}, deadline), ({ message }) => message),
    create: (order, idempotencyKey, deadline) =>
      reply(callUnary(orders.createOrder.bind(orders), { ...order, idempotencyKey }, deadline), (response) => ({
        order: toOrderJson(orderIn(response)),
        replayed: response.replayed,
      })),
    get: (id, deadline) =>
      reply(callUnary(orders.getOrder.bind(orders), { id }, deadline), (response) => toOrderJson(orderIn(response))),
    list: (page, deadline) =>
      reply(callUnary(orders.listOrders.bind(orders), { ...page }, deadline), (response) => ({
        orders: response.orders.map(toOrderJson),
        nextPageToken: response.nextPageToken,
      })),
  };
}

async function toReply<Response, T>(
  answer: Promise<Answer<Response>>,
  read: (response: Response) => T,
  development: boolean,
): Promise<Reply<T>> {
  try {
    const { response, hops } = await answer;
    return { value: read(response), hops };
  } catch (error) {
    if (isServiceError(error)) throw new BackendError(grpcToHttpProblem(error, development), error);
    throw error;
  }
}

function orderIn({ order }: { order?: Order | undefined }): Order {
  if (order === undefined) throw new BackendError({ status: 502, detail: 'backend answered without an order.' });
  return order;
}
