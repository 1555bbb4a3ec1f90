/**
 * The stack's control service: HTTP with JSON on a Unix socket. Whoever can open the socket commands identities and policy,
 * so the folder that it lies in is the access control: its owner's alone, or on SPIRE root's and one group's.
 */
import { chmodSync, chownSync, lstatSync, unlinkSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { dirname } from 'node:path';
import { LocalStackError, type LocalStackErrorCode, systemErrorCode } from '../errors.ts';
import { makeOwnDirectory } from '../state-directory.ts';
import { type OperationName, operations } from './operations.ts';
import { quote, refuse } from './readers.ts';
import type { StackControl } from './stack-control.ts';

/** What the server answers when it refuses. */
export interface ControlErrorBody {
  readonly error: { readonly code: LocalStackErrorCode | 'INTERNAL'; readonly message: string };
}

/** How to listen. */
export interface StackControlServerOptions {
  /** Of the socket; at most as long as a socket's path may be. */
  readonly path: string;
  readonly control: StackControl;
  /** The group that may open it, beside whoever runs this; nobody by default. Only root can name one. */
  readonly group?: number | undefined;
  /** Told of errors that are no refusals; they are bugs, and the one who asked is only told that there was one. */
  readonly onBug?: ((error: unknown) => void) | undefined;
}

/** A listening server. */
export interface StackControlServer extends AsyncDisposable {
  /** Of the socket. */
  readonly path: string;
  /** Answers nobody any more. Idempotent. */
  close(): Promise<void>;
}

type Call = (control: StackControl, body: unknown) => Promise<unknown>;

interface Route {
  readonly maxBytes: number;
  readonly call: Call;
}

const routes: ReadonlyMap<string, Route> = new Map(
  (Object.keys(operations) as OperationName[]).map((name) => [operations[name].route, routeOf(name)]),
);

const statusOf: Partial<Record<LocalStackErrorCode, number>> = {
  CONTROL_REQUEST: 400,
  WORKLOAD_UNKNOWN: 404,
  WORKLOAD_WITHOUT_IDENTITY: 409,
  POLICY_CHANGED: 409,
  POLICY_REFUSED: 422,
  CONTROL_BUSY: 429,
  CONTROL_TIMEOUT: 504,
};

/**
 * Listens. Whoever calls holds the lock of the state directory: a socket that is there already is a killed run's.
 * @throws {LocalStackError} `STATE_DIRECTORY` when the folder is not ours, or something that is no socket is in the way
 */
export async function listenStackControl(options: StackControlServerOptions): Promise<StackControlServer> {
  const { path, group } = options;
  makeOwnDirectory(dirname(path), group === undefined ? 0o700 : 0o710);
  removeStale(path);
  const server = createServer(
    { requestTimeout: 10_000, headersTimeout: 5_000, maxHeaderSize: 8 * 1024 },
    (request, response) => void answer(options, request, response),
  );
  server.maxConnections = 64;
  await listen(server, path);
  guard(path, group);
  const close = () => shutDown(server);
  return { path, close, [Symbol.asyncDispose]: close };
}

function routeOf<Name extends OperationName>(name: Name): Route {
  const { maxBytes, toArguments } = operations[name];
  const call: Call = (control, body) => {
    // One method for one row of the table: TypeScript can't see that the two go together.
    const method = control[name] as (...args: unknown[]) => Promise<unknown>;
    return method(...toArguments(body));
  };
  return { maxBytes, call };
}

function removeStale(path: string): void {
  try {
    if (!lstatSync(path).isSocket())
      throw new LocalStackError('STATE_DIRECTORY', `${path} is there and is no socket; not removing it`);
    unlinkSync(path);
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') throw error;
  }
}

/** The folder stays ours: a member of the group can open the socket, and not put another one in its place. */
function guard(path: string, group: number | undefined): void {
  chmodSync(path, group === undefined ? 0o600 : 0o660);
  if (group === undefined) return;
  chownSync(path, 0, group);
  chownSync(dirname(path), 0, group);
  // They have to pass through the folder above it, and still can't list it.
  chmodSync(dirname(dirname(path)), 0o711);
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) =>
      reject(new LocalStackError('STATE_DIRECTORY', `can't listen on ${path}: ${cause.message}`, { cause })),
    );
    server.listen(path, resolve);
  });
}

function shutDown(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

async function answer(
  { control, onBug }: StackControlServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    const { maxBytes, call } = findRoute(request);
    send(response, 200, await call(control, await readBody(request, maxBytes)));
  } catch (error) {
    if (!(error instanceof LocalStackError)) onBug?.(error);
    const { status, body } = toRefusal(error);
    send(response, status, body);
  }
}

function findRoute({ method, url }: IncomingMessage): Route {
  const asked = `${method} ${url}`;
  const route = routes.get(asked);
  if (route !== undefined) return route;
  throw refuse(`no such operation, got ${quote(asked)}; there are ${[...routes.keys()].join(', ')}`);
}

function send(response: ServerResponse, status: number, body: unknown): void {
  if (response.destroyed) return;
  // A refused request may still be sending its body; the connection is of no more use.
  const headers = { 'content-type': 'application/json', ...(status === 200 ? {} : { connection: 'close' }) };
  response.writeHead(status, headers).end(JSON.stringify(body));
}

function toRefusal(error: unknown): { status: number; body: ControlErrorBody } {
  if (!(error instanceof LocalStackError))
    return { status: 500, body: { error: { code: 'INTERNAL', message: 'internal error' } } };
  const { code, message } = error;
  return { status: statusOf[code] ?? 500, body: { error: { code, message } } };
}

async function readBody(request: IncomingMessage, maxBytes: number): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) throw refuse(`this operation's body has at most ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  if (size === 0) return {};
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch (cause) {
    throw refuse('the body must be JSON', { cause });
  }
}
