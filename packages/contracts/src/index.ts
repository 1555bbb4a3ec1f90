/** The services' contracts, by name: everything here is generated from `proto/` and nothing is added to it. */
export {
  HelloServiceClient,
  type HelloServiceServer,
  HelloServiceService,
  SayHelloRequest,
  SayHelloResponse,
} from './gen/countersign/hello/v1/hello.ts';
export {
  CreateOrderRequest,
  CreateOrderResponse,
  GetOrderRequest,
  GetOrderResponse,
  ListOrdersRequest,
  ListOrdersResponse,
  Order,
  OrderServiceClient,
  type OrderServiceServer,
  OrderServiceService,
  OrderStatus,
  WatchOrdersRequest,
  WatchOrdersResponse,
} from './gen/countersign/orders/v1/orders.ts';
export { Any } from './gen/google/protobuf/any.ts';
export { BadRequest, ErrorInfo } from './gen/google/rpc/error_details.ts';
export { Status as RpcStatus } from './gen/google/rpc/status.ts';
export {
  checkIdempotencyKey,
  checkOrderInput,
  type FieldProblem,
  isCursor,
  isOrderId,
  ORDER_LIMITS,
  type OrderInput,
  parseOrderInput,
} from './order-input.ts';
export { type OrderJson, toOrderJson } from './order-json.ts';
