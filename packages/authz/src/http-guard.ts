/**
 * The guard of an HTTP service, as Express (4 or 5) and plain `node:http` take it: each request is decided before its
 * handler runs. It compares the request's own bytes with the operation, so a router that is laxer than the policy (case,
 * slash at the end, HEAD for GET) does not widen a grant. Of the headers the caller chain alone is read, because it is
 * signed: the rest is what anybody can write.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { chainIn } from '@countersign/caller-chain';
import { type Peer, peerOf } from '@countersign/spiffe-tls';
import { authorizeCall, type CallDescription, type GuardOptions, type Verdict } from './authorize-call.ts';
import { bindCall, type Call, runInCall } from './call-context.ts';
import { OpenCalls, Revocation } from './open-calls.ts';
import { type Resource, UNMATCHED } from './policy-document.ts';
import {
  matchRoute,
  parseRequestPath,
  parseRoute,
  type RequestPath,
  type Route,
  routeParameters,
} from './request-path.ts';
import { sendHttpProblem, toHttpProblem } from './to-http-problem.ts';

/** A request, Express's or Node's own. */
export type HttpRequest = IncomingMessage & {
  /** Express's: the target before any router cut its mount path off. */
  readonly originalUrl?: string;
};

/** A handler as Express takes it. */
export type HttpHandler = (request: HttpRequest, response: ServerResponse, next: (error?: unknown) => void) => void;

/** Names what a request is about, from the route's parameters. Bodies are not read yet. */
export type ResourceOf = (parameters: Readonly<Record<string, string>>, request: HttpRequest) => Resource | undefined;

/** Makes the handlers that stand before a service's own. */
export interface HttpGuard {
  /**
   * The guard of one operation: `app.get('/orders/:id', guard('GET /orders/{id}'), handler)`.
   * @throws {TypeError} when the operation is not like `GET /orders/{id}`.
   */
  (operation: string, resourceOf?: ResourceOf): HttpHandler;
  /**
   * Stands before every route: refuses a path that could be read in two ways before a router reads it. Express decodes
   * parameters while it looks for a route, and answers what it can't decode by itself, unrecorded, with a stack trace.
   */
  readonly wellFormed: HttpHandler;
  /** The last handler of an application: refuses, and records, what no route took; OPTIONS and unknown paths among it. */
  readonly unmatched: HttpHandler;
  /** Decides every open response again whose handler follows `call.revoked`; see `GrpcGuard.reconsider`. */
  readonly reconsider: () => void;
}

/** How a guard decides. */
export interface HttpGuardOptions extends GuardOptions {
  /** The verified peer of a request. Default `peerOf` of `@countersign/spiffe-tls`. */
  readonly peerOf?: (request: HttpRequest) => Peer | undefined;
}

/** Which part of a guard a handler is. */
export type HttpGuardPart = 'operation' | 'well-formed' | 'unmatched';

const parts = new WeakMap<object, HttpGuardPart>();

/**
 * Creates the guard of an HTTP service. Answers 401, 400, 403 or 503 as problem details with the decision's ID; what is
 * allowed goes on to the next handler, inside the call's context.
 * @example
 * const guard = createHttpGuard({ engine, self: () => source.current().svid.id });
 * app.use(guard.wellFormed);
 * app.get('/orders/:id', guard('GET /orders/{id}'), showOrder);
 * app.use(guard.unmatched);
 */
export function createHttpGuard(options: HttpGuardOptions): HttpGuard {
  const open = new OpenCalls(options);
  const guarding: Guarding = { options, open };
  const guard = (operation: string, resourceOf?: ResourceOf): HttpHandler => {
    const route = parseRoute(operation);
    return part('operation', (...parameters) => serve(guarding, { route, resourceOf }, ...parameters));
  };
  const unmatched = part('unmatched', (...parameters) => serve(guarding, {}, ...parameters));
  const wellFormed = part('well-formed', (request, response, next) => {
    if (parseRequestPath(targetOf(request)) === undefined) serve(guarding, {}, request, response, next);
    else next();
  });
  return Object.assign(guard, { unmatched, wellFormed, reconsider: open.reconsider });
}

/** Which part of a guard a handler is; `undefined` when no guard made it. */
export function httpGuardPart(handler: unknown): HttpGuardPart | undefined {
  return typeof handler === 'function' ? parts.get(handler) : undefined;
}

interface Operation {
  /** Absent: none of the service's operations. */
  readonly route?: Route;
  readonly resourceOf?: ResourceOf | undefined;
}

function part(name: HttpGuardPart, handler: HttpHandler): HttpHandler {
  parts.set(handler, name);
  return handler;
}

function targetOf(request: HttpRequest): string {
  return request.originalUrl ?? request.url ?? '';
}

/** What all requests of a guard share. */
interface Guarding {
  readonly options: HttpGuardOptions;
  readonly open: OpenCalls;
}

function serve(
  { options, open }: Guarding,
  operation: Operation,
  request: HttpRequest,
  response: ServerResponse,
  next: (error?: unknown) => void,
): void {
  let earlier: Call | undefined;
  const revocation = new Revocation(() => followChanges(open, ask, response, revocation));
  const ask = (): Verdict =>
    authorizeCall(options, {
      peer: () => (options.peerOf ?? peerOf)(request),
      describe: () => describe(operation, request),
      chain: () => chainIn((name) => request.headersDistinct[name] ?? []),
      act: () => actOf(request),
      earlier,
      revocation,
    });
  const verdict = ask();
  if (!verdict.allow) {
    sendHttpProblem(response, toHttpProblem(verdict.refusal, options.development));
    return;
  }
  earlier = verdict.call;
  bindCall(request, verdict.call);
  runInCall(verdict.call, () => next());
}

/** The bytes of the target before `?`, undecoded: what the caller wrote is what it signed. */
function actOf(request: HttpRequest): string {
  return `${request.method ?? ''} ${targetOf(request).split('?', 1)[0] ?? ''}`;
}

/** Decides a response again until it has ended. A handler that was told and does not end it finds it cut. */
function followChanges(open: OpenCalls, ask: () => Verdict, response: ServerResponse, revocation: Revocation): void {
  if (response.closed) return;
  const close = open.add(() => {
    const verdict = ask();
    if (verdict.allow) return;
    close();
    revocation.revoke(verdict.refusal);
    setImmediate(() => {
      if (!response.writableEnded) response.destroy();
    });
  });
  response.once('close', close);
}

function describe({ route, resourceOf }: Operation, request: HttpRequest): CallDescription | undefined {
  const method = request.method ?? '';
  const path = parseRequestPath(targetOf(request));
  if (path === undefined) return undefined;
  const http = { method, path: path.decoded };
  if (route === undefined || !matchRoute(route, method, path)) return { transport: 'http', operation: UNMATCHED, http };
  const resource = resourceIn(route, path, request, resourceOf);
  const described = { transport: 'http', operation: route.operation, http } as const;
  return resource === undefined ? described : { ...described, resource };
}

function resourceIn(route: Route, path: RequestPath, request: HttpRequest, resourceOf?: ResourceOf) {
  return resourceOf?.(routeParameters(route, path), request);
}
