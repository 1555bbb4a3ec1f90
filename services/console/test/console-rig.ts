/** A console's application on a real socket, with whatever it works with replaced by what a test gives. */
import {
  createServer,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type OutgoingHttpHeaders,
} from 'node:http';
import { closeHttpServer, listenHttp, parseHostNames } from '@countersign/service-kit';
import { createLogger } from '@countersign/telemetry';
import { createApp, type StreamHandler } from '../src/server/app.ts';
import type { PageFile } from '../src/server/page-files.ts';
import { createRoutes, type RouteOptions } from '../src/server/routes.ts';
import { createSessionToken } from '../src/server/token.ts';
import { TOKEN_HEADER } from '../src/wire/actions.ts';

/** What came back. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** Of a problem. */
  readonly reason: string | undefined;
}

/** A request as it goes over the wire: nothing is added to it but `Host`, which can be replaced. */
export interface Ask {
  readonly method?: string;
  readonly path: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string | Buffer;
}

/** A listening application. */
export interface ConsoleRig extends AsyncDisposable {
  readonly port: number;
  readonly origin: string;
  readonly token: string;
  /** Lines of its log. */
  readonly log: Array<Record<string, unknown>>;
  ask(request: Ask): Promise<Answer>;
  /** As the page itself posts. */
  post(path: string, body: unknown): Promise<Answer>;
}

/** What a test may give. */
export interface RigOptions extends Partial<RouteOptions> {
  readonly page?: readonly PageFile[];
  readonly streams?: Readonly<Record<string, StreamHandler>>;
}

const nothingKnown: RouteOptions['known'] = {
  trace: () => undefined,
  decision: () => undefined,
  recentDecisions: () => [],
};

/** Starts it. */
export async function startRig({ page = [], streams = {}, ...given }: RigOptions = {}): Promise<ConsoleRig> {
  const log: Array<Record<string, unknown>> = [];
  const token = createSessionToken();
  const routes = createRoutes({
    session: async () => ({ token: token.value, version: '0.0.0', traceLinks: false }),
    known: nothingKnown,
    control: undefined,
    customer: undefined,
    load: undefined,
    ...given,
  });
  const logger = createLogger({
    service: 'console',
    destination: { write: (line) => void log.push(JSON.parse(line)) },
  });
  const app = createApp({ logger, allowedHosts: parseHostNames(''), token, page, routes, streams });
  const server = createServer(app);
  const { port } = await listenHttp(server, { host: '127.0.0.1', port: 0 });
  const origin = `http://127.0.0.1:${port}`;
  const ask = (request: Ask) => askAt(port, request);
  return {
    port,
    origin,
    token: token.value,
    log,
    ask,
    post: (path, body) =>
      ask({
        method: 'POST',
        path,
        headers: pageHeaders(origin, token.value),
        body: JSON.stringify(body),
      }),
    [Symbol.asyncDispose]: () => closeHttpServer(server),
  };
}

/** What a browser and the page send with a POST. */
export function pageHeaders(origin: string, token: string): OutgoingHttpHeaders {
  return { origin, 'sec-fetch-site': 'same-origin', 'content-type': 'application/json', [TOKEN_HEADER]: token };
}

/** Asks at a port of loopback. */
export function askAt(port: number, { method = 'GET', path, headers = {}, body }: Ask): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ host: '127.0.0.1', port, method, path, headers, agent: false });
    request.once('error', reject);
    request.once('response', (response) => void readAnswer(response).then(resolve, reject));
    request.end(body);
  });
}

async function readAnswer(response: IncomingMessage): Promise<Answer> {
  const body = Buffer.concat(await response.toArray());
  const { headers } = response;
  return { status: response.statusCode ?? 0, headers, body, reason: reasonOf(headers, body) };
}

function reasonOf(headers: IncomingHttpHeaders, body: Buffer): string | undefined {
  if (headers['content-type'] !== 'application/problem+json' || body.length === 0) return undefined;
  const { reason } = JSON.parse(body.toString());
  return reason === undefined ? undefined : String(reason);
}
