/** The page and its API over HTTP: guards first, then exactly what is listed, then a 404. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createEdgeChecks, jsonBody, type Problem, sendProblem } from '@countersign/service-kit';
import type { Logger } from '@countersign/telemetry';
import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express';
import { toProblem } from './api-error.ts';
import type { PageFile } from './page-files.ts';
import { setPageHeaders } from './page-headers.ts';
import { logRefusal } from './refusal-log.ts';
import type { Route } from './routes.ts';
import { sendPageFile } from './send-page.ts';
import type { SessionToken } from './token.ts';

/** Answers one request with a stream of events. */
export type StreamHandler = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

/** What the application works with. */
export interface AppOptions {
  readonly logger: Logger;
  readonly allowedHosts: ReadonlySet<string>;
  readonly token: SessionToken;
  readonly page: readonly PageFile[];
  readonly routes: readonly Route[];
  /** By path. */
  readonly streams: Readonly<Record<string, StreamHandler>>;
}

const MAX_BODY_BYTES = 64 * 1024;

/** Makes the application. */
export function createApp({ logger, allowedHosts, token, page, routes, streams }: AppOptions): Express {
  const onRefusal = logRefusal(logger);
  const app = express();
  app.disable('x-powered-by').disable('etag').enable('case sensitive routing').enable('strict routing');
  // Nothing here takes a query.
  app.set('query parser', false);
  app.use(setPageHeaders);
  app.use(createEdgeChecks({ allowedHosts, originNeeded: true, onRefusal }));
  app.use(needToken(token, onRefusal));
  const methods = new Map<string, string[]>();
  const add = (method: 'get' | 'post', path: string, ...handlers: RequestHandler[]) => {
    app[method](path, exactly(method), ...handlers);
    methods.set(path, [...(methods.get(path) ?? []), method.toUpperCase()]);
  };
  for (const file of page) add('get', file.path, (request, response) => sendPageFile(request, response, file));
  for (const [path, handle] of Object.entries(streams))
    add('get', path, (request, response) => handle(request, response));
  for (const route of routes) {
    if (route.method === 'GET') add('get', route.path, answering(route, logger));
    else add('post', route.path, jsonBody(route.maxBytes ?? MAX_BODY_BYTES), answering(route, logger));
  }
  for (const [path, allowed] of methods) app.all(path, refuseMethod(allowed));
  app.use((_request, response) => sendProblem(response, { status: 404, detail: 'There is nothing here.' }));
  app.use(answerErrors(logger));
  return app;
}

/** Whatever is no plain read needs the token, known or not. */
function needToken(
  token: SessionToken,
  onRefusal: (problem: Problem, request: IncomingMessage) => void,
): RequestHandler {
  return (request, response, next) => {
    const reads = request.method === 'GET' || request.method === 'HEAD';
    const problem = reads ? undefined : token.check(request);
    if (problem === undefined) {
      next();
      return;
    }
    onRefusal(problem, request);
    sendProblem(response, problem);
  };
}

/** Express would answer HEAD by GET's handler. */
function exactly(method: 'get' | 'post'): RequestHandler {
  return (request, _response, next) => next(request.method === method.toUpperCase() ? undefined : 'route');
}

function refuseMethod(allowed: readonly string[]): RequestHandler {
  return (_request, response) => {
    response.setHeader('allow', allowed.join(', '));
    sendProblem(response, { status: 405, detail: `The method must be ${allowed.join(' or ')}.` });
  };
}

function answering(route: Route, logger: Logger): RequestHandler {
  return async (request, response) => {
    const startedAt = performance.now();
    const { status, document } = await route.answer(request);
    if (route.method === 'POST') {
      const duration_ms = Math.round(performance.now() - startedAt);
      logger.info({ event: 'action', operation: `POST ${request.path}`, status, duration_ms });
    }
    response.setHeader('cache-control', 'no-store');
    if (status >= 400) response.type('application/problem+json');
    response.status(status).json(document);
  };
}

function answerErrors(logger: Logger): ErrorRequestHandler {
  return (error: unknown, request, response, _next) => {
    const problem = toProblem(error);
    if (problem === undefined) logger.error({ event: 'handler_failed', err: error });
    else logger.info({ event: 'not_done', operation: `${request.method} ${request.path}`, ...problem });
    sendProblem(response, problem ?? { status: 500, detail: 'The console failed; its log says how.' });
  };
}
