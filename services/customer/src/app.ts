/** The edge's HTTP interface: JSON for programs and the page, and the page itself. */
import { randomUUID } from 'node:crypto';
import { createTransactionId } from '@countersign/caller-chain';
import {
  createEdgeChecks,
  describeSvid,
  jsonBody,
  type Problem,
  sendProblem,
  startDeadline,
  toBodyProblem,
} from '@countersign/service-kit';
import { SpiffeTlsError, type X509Source } from '@countersign/spiffe-tls';
import {
  activeTraceIds,
  createHttpCallLog,
  type Logger,
  type Party,
  recordChain,
  recordOperation,
} from '@countersign/telemetry';
import express, {
  type ErrorRequestHandler,
  type Express,
  type Request,
  type RequestHandler,
  type Response,
} from 'express';
import { type Backend, BackendError, type Via } from './backend.ts';
import { pageRoutes, securityHeaders } from './page.ts';
import {
  FieldError,
  readCursor,
  readIdempotencyKey,
  readNewOrder,
  readOrderId,
  readPage,
  readVia,
} from './request-fields.ts';

/** What the application works with. */
export interface AppOptions {
  readonly source: X509Source;
  readonly self: () => Party | undefined;
  readonly logger: Logger;
  readonly allowedHosts: ReadonlySet<string>;
  readonly backends: Readonly<Record<Via, Backend>>;
  /** Answers one request with a stream of orders after a cursor. */
  readonly streamOrders: (response: Response, cursor: string) => Promise<void>;
  /** SPIFFE ID of backend: no call is sent to any other. */
  readonly backendId: string;
}

/** Makes the application. */
export function createApp(options: AppOptions): Express {
  const app = express();
  app.disable('x-powered-by').disable('etag').enable('case sensitive routing').enable('strict routing');
  app.set('query parser', 'simple');
  app.use(createHttpCallLog({ logger: options.logger, transport: 'http', self: options.self }));
  app.use(beginTransaction(options.self));
  app.use(securityHeaders);
  app.use(createEdgeChecks({ allowedHosts: options.allowedHosts }));
  app.use(exactMethods);
  app.get('/api/identity', named('GET /api/identity'), (_request, response) => showIdentity(response, options));
  app.get('/api/hello', named('GET /api/hello'), (request, response) => hello(request, response, options));
  app.post('/api/orders', named('POST /api/orders'), jsonBody(), (request, response) =>
    create(request, response, options),
  );
  app.get('/api/orders', named('GET /api/orders'), (request, response) => list(request, response, options));
  app.get('/api/orders/stream', named('GET /api/orders/stream'), (request, response) =>
    options.streamOrders(response, readCursor(request.get('last-event-id'), request.query['cursor'])),
  );
  app.get('/api/orders/:id', named('GET /api/orders/{id}'), (request, response) => show(request, response, options));
  for (const { path, answer } of pageRoutes()) app.get(path, named(`GET ${path}`), answer);
  app.use((_request, response) => sendProblem(response, { status: 404, detail: 'There is nothing here.' }));
  app.use(answerErrors(options.logger));
  return app;
}

/** Here a caller chain begins: every call that this request leads to is of one transaction, and this service its origin. */
const beginTransaction =
  (self: AppOptions['self']): RequestHandler =>
  (_request, _response, next) => {
    const own = self()?.id;
    if (own !== undefined) recordChain({ txn: createTransactionId(), origin: own, chain: [own] });
    next();
  };

const named =
  (operation: string): RequestHandler =>
  (_request, _response, next) => {
    recordOperation(operation);
    next();
  };

/** Express would answer HEAD by GET's handler, and OPTIONS by a list of its own. */
function exactMethods(request: Request, response: Response, next: () => void): void {
  if (request.method === 'GET' || request.method === 'POST') {
    next();
    return;
  }
  response.setHeader('allow', 'GET, POST');
  sendProblem(response, { status: 405, detail: 'Methods are GET and POST.' });
}

function showIdentity(response: Response, { source }: AppOptions): void {
  answer(response, 200, { ...describeSvid(source.current().svid) });
}

async function hello(request: Request, response: Response, { backends, backendId }: AppOptions): Promise<void> {
  const { value, hops } = await backends[readVia(request.query['via'])].hello(startDeadline());
  // No call is sent to a server with another ID, so whoever answered is this one.
  answer(response, 200, { message: value, peer: backendId, trace_id: traceId(), hops });
}

async function create(request: Request, response: Response, { backends }: AppOptions): Promise<void> {
  const { order, via } = readNewOrder(request.body);
  // Without a key of the caller's a fresh one stands in, so that the calls behind this one can be tried again.
  const key = readIdempotencyKey(request.get('idempotency-key')) ?? randomUUID();
  const { value, hops } = await backends[via].create(order, key, startDeadline());
  response.setHeader('location', `/api/orders/${value.order.id}`);
  if (value.replayed) response.setHeader('idempotency-replayed', 'true');
  answer(response, 201, { order: value.order, trace_id: traceId(), hops });
}

async function list(request: Request, response: Response, { backends }: AppOptions): Promise<void> {
  const page = readPage(request.query['page_size'], request.query['page_token']);
  const { value, hops } = await backends[readVia(request.query['via'])].list(page, startDeadline());
  const next = value.nextPageToken === '' ? {} : { next_page_token: value.nextPageToken };
  answer(response, 200, { orders: value.orders, ...next, trace_id: traceId(), hops });
}

async function show(request: Request, response: Response, { backends }: AppOptions): Promise<void> {
  const id = readOrderId(request.params['id']);
  const { value, hops } = await backends[readVia(request.query['via'])].get(id, startDeadline());
  answer(response, 200, { order: value, trace_id: traceId(), hops });
}

function answer(response: Response, status: number, document: object): void {
  response.setHeader('cache-control', 'no-store');
  response.status(status).json(document);
}

function answerErrors(logger: Logger): ErrorRequestHandler {
  return (error: unknown, _request, response, _next) => {
    const problem = toProblem(error);
    if (problem === undefined) logger.error({ event: 'handler_failed', err: error });
    const { status, detail, ...rest } = problem ?? { status: 500, detail: 'The service failed.' };
    if (status === 503) response.setHeader('retry-after', '1');
    sendProblem(response, { status, detail, ...rest, trace_id: traceId() });
  };
}

function toProblem(error: unknown): Problem | undefined {
  if (error instanceof FieldError) {
    return { status: 400, detail: error.message, reason: 'FIELD_INVALID', field: error.problem.field || undefined };
  }
  if (error instanceof BackendError) return error.problem;
  if (error instanceof SpiffeTlsError)
    return { status: 503, detail: 'This service has no identity.', reason: error.code };
  return toBodyProblem(error) ?? badPath(error);
}

/** Express's own complaint about a path that can't be decoded. */
function badPath(error: unknown): Problem | undefined {
  return error instanceof URIError
    ? { status: 400, detail: 'The path can not be decoded.', reason: 'PATH_MALFORMED' }
    : undefined;
}

function traceId(): string | undefined {
  return activeTraceIds()?.trace_id;
}
