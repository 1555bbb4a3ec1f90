/**
 * Backend's HTTP interface. Routes are exact: case-sensitive, no slash added, no method but the declared ones. Identity
 * headers of any name are never read: who calls is what the connection proved.
 */
import { assertGuardedRoutes, createHttpGuard, type HttpGuardOptions } from '@countersign/authz';
import { type FieldProblem, type OrderInput, parseOrderInput, toOrderJson } from '@countersign/contracts';
import {
  deadlineOfHeaders,
  encodeHops,
  GrpcError,
  grpcToHttpProblem,
  HOPS_NAME,
  type Hop,
  hopToHere,
  invalidField,
  isServiceError,
  jsonBody,
  partyOf,
  sendProblem,
  toBodyProblem,
} from '@countersign/service-kit';
import { peerOf } from '@countersign/spiffe-tls';
import { createHttpCallLog, type Logger, type Party } from '@countersign/telemetry';
import { status as Status } from '@grpc/grpc-js';
import express, { type ErrorRequestHandler, type Express, type Request, type Response } from 'express';
import type { OrdersGateway } from './orders-gateway.ts';

/** What the application works with. */
export interface HttpAppOptions {
  readonly orders: OrdersGateway;
  readonly guard: HttpGuardOptions;
  readonly logger: Logger;
  readonly self: () => Party | undefined;
  /** Adds the hops of each call to its answer's headers. */
  readonly development: boolean;
}

/** Makes the application. */
export function createHttpApp(options: HttpAppOptions): Express {
  const guard = createHttpGuard(options.guard);
  const app = express();
  app.disable('x-powered-by').disable('etag').enable('case sensitive routing').enable('strict routing');
  app.set('query parser', 'simple');
  app.use(createHttpCallLog({ logger: options.logger, transport: 'https', self: options.self, peerOf: partyOf }));
  app.use(guard.wellFormed);
  app.get('/hello', guard('GET /hello'), (request, response) => sayHello(request, response, options));
  app.post('/orders', guard('POST /orders'), jsonBody(), (request, response) =>
    createOrder(request, response, options),
  );
  app.get('/orders', guard('GET /orders'), (request, response) => listOrders(request, response, options));
  app.get('/orders/:id', guard('GET /orders/{id}'), (request, response) => getOrder(request, response, options));
  app.use(answerErrors(options));
  app.use(guard.unmatched);
  assertGuardedRoutes(app);
  return app;
}

function sayHello(request: Request, response: Response, options: HttpAppOptions): void {
  const peer = peerOf(request);
  if (peer === undefined) {
    sendProblem(response, { status: 401, detail: 'The connection is no longer verified.' });
    return;
  }
  answer(response, options, 200, { message: `Hello ${peer.id.toString()} from the server` });
}

async function createOrder(request: Request, response: Response, options: HttpAppOptions): Promise<void> {
  const input = readOrder(request.body);
  const idempotencyKey = request.get('idempotency-key') ?? '';
  const found = await options.orders.create({ ...input, idempotencyKey }, deadlineOfHeaders(request.headers));
  const { order, replayed } = found.value;
  response.setHeader('location', `/orders/${order.id}`);
  answer(response, options, 201, { order: toOrderJson(order), replayed }, found.hops);
}

async function listOrders(request: Request, response: Response, options: HttpAppOptions): Promise<void> {
  const pageSize = readPageSize(request.query['page_size']);
  const pageToken = textOf(request.query['page_token']);
  const found = await options.orders.list({ pageSize, pageToken }, deadlineOfHeaders(request.headers));
  const { orders, nextPageToken } = found.value;
  answer(response, options, 200, { orders: orders.map(toOrderJson), next_page_token: nextPageToken }, found.hops);
}

async function getOrder(request: Request, response: Response, options: HttpAppOptions): Promise<void> {
  const id = textOf(request.params['id']);
  const found = await options.orders.get({ id }, deadlineOfHeaders(request.headers));
  answer(response, options, 200, { order: toOrderJson(found.value) }, found.hops);
}

function answer(
  response: Response,
  { development }: HttpAppOptions,
  status: number,
  document: object,
  behind: readonly Hop[] = [],
): void {
  const own = hopToHere();
  if (development && own !== undefined) response.setHeader(HOPS_NAME, encodeHops([own, ...behind]));
  response.setHeader('cache-control', 'no-store');
  response.status(status).json(document);
}

function answerErrors({ logger, development }: HttpAppOptions): ErrorRequestHandler {
  return (error: unknown, _request, response, _next) => {
    const bodyProblem = toBodyProblem(error);
    if (bodyProblem !== undefined) return sendProblem(response, bodyProblem);
    if (error instanceof GrpcError || isServiceError(error))
      return sendProblem(response, grpcToHttpProblem(error, development));
    logger.error({ event: 'handler_failed', err: error });
    sendProblem(response, { status: 500, detail: 'The service failed.' });
  };
}

function readOrder(body: unknown): OrderInput {
  const input: OrderInput | FieldProblem = parseOrderInput(body);
  if ('field' in input) throw invalidField(input);
  return input;
}

function readPageSize(value: unknown): number {
  if (value === undefined) return 0;
  const size = typeof value === 'string' && /^\d{1,3}$/.test(value) ? Number(value) : 0;
  if (size < 1 || size > 100) throw invalidField({ field: 'page_size', rule: 'must be 1 to 100' });
  return size;
}

function textOf(value: unknown): string {
  if (value === undefined) return '';
  if (typeof value === 'string') return value;
  throw new GrpcError(Status.INVALID_ARGUMENT, 'a parameter was given twice');
}
