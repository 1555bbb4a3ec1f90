/**
 * The control service: HTTP with JSON on a Unix socket of its own, apart from the Workload API, which nobody may extend
 * (SPIFFE Workload API section 2). Whoever can open the socket controls the trust domain; its directory is 0700.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { quote, SpiffeTlsError } from '@countersign/spiffe-tls';
import type { CallFilter } from './calls.ts';
import type {
  CloseStreamsOptions,
  RegistrationRequest,
  RotateAuthorityOptions,
  TrustDomainControl,
} from './control.ts';
import { type EndpointFederation, parseProfile } from './endpoint-federation.ts';
import { DevTrustDomainError, type DevTrustDomainErrorCode } from './errors.ts';
import { type Fault, parseFault, parseMethod, parseStatusName } from './faults.ts';
import { guardSocket, prepareSocketPath } from './unix-socket.ts';

/** What the server answers when it refuses. */
export interface ControlErrorBody {
  readonly error: { readonly code: DevTrustDomainErrorCode | 'INTERNAL'; readonly message: string };
}

/** A listening server. */
export interface ControlServer {
  close(): Promise<void>;
}

/** A bundle document inside JSON. */
const MAX_BODY_BYTES = 2 * 1024 * 1024;
/** A CA rotation answers after its settling time; nothing else takes this long. */
const MAX_WAIT_MS = 3_600_000;

type Fields = Readonly<Record<string, unknown>>;
type Handler = (control: TrustDomainControl, fields: Fields) => Promise<unknown>;

const ROUTES: ReadonlyMap<string, Handler> = new Map<string, Handler>([
  ['GET /v1/status', (control) => control.status()],
  ['POST /v1/rotate', (control, fields) => rotate(control, fields)],
  ['POST /v1/rotate-ca', (control, fields) => control.rotateCa(readRotateOptions(fields))],
  ['POST /v1/rotate-jwt', (control, fields) => control.rotateJwt(readRotateOptions(fields))],
  ['GET /v1/bundle', (control) => control.bundleDocument()],
  ['POST /v1/federate', (control, fields) => federate(control, fields).then(() => ({}))],
  ['POST /v1/federate-by-endpoint', (control, fields) => control.federateByEndpoint(readEndpointFederation(fields))],
  ['POST /v1/unfederate', (control, fields) => unfederate(control, fields).then(() => ({}))],
  ['POST /v1/fault', (control, fields) => control.injectFault(readFault(fields)).then(() => ({}))],
  ['POST /v1/clear-faults', (control) => control.clearFaults().then(() => ({}))],
  ['POST /v1/close-streams', (control, fields) => control.closeStreams(readCloseStreams(fields))],
  ['POST /v1/calls', (control, fields) => control.calls(readCallFilter(fields))],
  ['POST /v1/register', (control, fields) => control.register(readRegister(fields))],
  ['POST /v1/unregister', (control, fields) => unregister(control, fields)],
]);

const STATUS_OF_CODE: Partial<Record<DevTrustDomainErrorCode, number>> = {
  CONTROL_REQUEST: 400,
  REGISTRATION: 400,
  FAULT: 400,
  BUNDLE: 400,
  UNKNOWN_WORKLOAD: 404,
  SOCKET: 409,
  CLOSED: 503,
};

/** Listens on a path. @throws {DevTrustDomainError} `SOCKET`. */
export async function listenControl(path: string, control: TrustDomainControl): Promise<ControlServer> {
  await prepareSocketPath(path);
  const server = createServer(
    { requestTimeout: 10_000, headersTimeout: 5_000, maxHeaderSize: 8 * 1024 },
    (request, response) => {
      void answer(control, request, response);
    },
  );
  await listen(server, path);
  await guardSocket(path);
  return { close: () => shutDown(server) };
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) =>
      reject(new DevTrustDomainError('SOCKET', `socket: can't listen on ${path}: ${cause.message}`, cause)),
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

async function answer(control: TrustDomainControl, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    const handler = findRoute(request);
    send(response, 200, await handler(control, await readFields(request)));
  } catch (cause) {
    const { status, body } = toRefusal(cause);
    send(response, status, body);
  }
}

function findRoute(request: IncomingMessage): Handler {
  const route = `${request.method} ${request.url}`;
  const handler = ROUTES.get(route);
  if (handler === undefined)
    throw refuse(`no such operation, got ${quote(route)}; there are ${[...ROUTES.keys()].join(', ')}`);
  return handler;
}

function send(response: ServerResponse, status: number, body: unknown): void {
  if (response.destroyed) return;
  // A refused request may still be sending its body; the connection is of no more use.
  const headers = { 'content-type': 'application/json', ...(status === 200 ? {} : { connection: 'close' }) };
  response.writeHead(status, headers).end(JSON.stringify(body));
}

function toRefusal(cause: unknown): { status: number; body: ControlErrorBody } {
  if (cause instanceof DevTrustDomainError) {
    return { status: STATUS_OF_CODE[cause.code] ?? 500, body: { error: { code: cause.code, message: cause.message } } };
  }
  const message = cause instanceof SpiffeTlsError ? cause.message : 'internal error';
  return { status: 500, body: { error: { code: 'INTERNAL', message } } };
}

async function readFields(request: IncomingMessage): Promise<Fields> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw refuse(`a body has at most ${MAX_BODY_BYTES} bytes`);
    chunks.push(chunk);
  }
  return size === 0 ? {} : parseFields(Buffer.concat(chunks).toString('utf8'));
}

function parseFields(text: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw refuse('the body must be JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw refuse('the body must be a JSON object');
  return value as Fields;
}

async function rotate(control: TrustDomainControl, fields: Fields): Promise<unknown> {
  onlyFields(fields, ['name']);
  return control.rotate(optionalString(fields, 'name'));
}

function readRotateOptions(fields: Fields): RotateAuthorityOptions {
  onlyFields(fields, ['settleMs', 'dropAfterMs']);
  const settleMs = optionalDuration(fields, 'settleMs');
  const dropAfterMs = optionalDuration(fields, 'dropAfterMs');
  return { ...(settleMs === undefined ? {} : { settleMs }), ...(dropAfterMs === undefined ? {} : { dropAfterMs }) };
}

/** Bytes come as base64; `parseFault` checks the rest. */
function readFault({ responseBase64, ...fields }: Fields): Fault {
  if (responseBase64 === undefined) return parseFault(fields);
  if (typeof responseBase64 !== 'string' || !/^[A-Za-z0-9+/]*={0,2}$/.test(responseBase64))
    throw refuse('responseBase64 must be base64');
  return parseFault({ ...fields, response: new Uint8Array(Buffer.from(responseBase64, 'base64')) });
}

function readCallFilter(fields: Fields): CallFilter {
  onlyFields(fields, ['workload', 'method', 'code', 'details']);
  const workload = optionalString(fields, 'workload');
  const { method } = fields;
  return {
    ...(workload === undefined ? {} : { workload }),
    ...(method === undefined ? {} : { method: parseMethod(method) }),
  };
}

function readCloseStreams(fields: Fields): CloseStreamsOptions {
  const details = optionalString(fields, 'details');
  const { code } = fields;
  return {
    ...readCallFilter(fields),
    ...(code === undefined ? {} : { code: parseStatusName(code) }),
    ...(details === undefined ? {} : { details }),
  };
}

/** Only the shape of what `register` needs at once; `parseRegistration` checks the rest. */
function readRegister(fields: Fields): RegistrationRequest {
  const name = requiredString(fields, 'name');
  // Who may open a socket is the business of whoever starts the trust domain.
  for (const field of ['owner', 'dangerouslyListenOnTcp'])
    if (fields[field] !== undefined) throw refuse(`"${field}" can only be given at the start`);
  return { ...(fields as Partial<RegistrationRequest>), name };
}

async function unregister(control: TrustDomainControl, fields: Fields): Promise<unknown> {
  onlyFields(fields, ['name', 'spiffeId']);
  return control.unregister(requiredString(fields, 'name'), optionalString(fields, 'spiffeId'));
}

async function federate(control: TrustDomainControl, fields: Fields): Promise<void> {
  onlyFields(fields, ['trustDomain', 'bundle']);
  return control.federate(requiredString(fields, 'trustDomain'), requiredString(fields, 'bundle'));
}

/** Only that all are texts; the federation checks what they say. */
function readEndpointFederation(fields: Fields): EndpointFederation {
  onlyFields(fields, ['trustDomain', 'endpointUrl', 'profile', 'endpointId', 'bundle', 'endpointCaPem']);
  const given = ['endpointId', 'bundle', 'endpointCaPem'].flatMap((field) => {
    const value = optionalString(fields, field);
    return value === undefined ? [] : [[field, value]];
  });
  return {
    trustDomain: requiredString(fields, 'trustDomain'),
    endpointUrl: requiredString(fields, 'endpointUrl'),
    profile: parseProfile(requiredString(fields, 'profile')),
    ...Object.fromEntries(given),
  };
}

async function unfederate(control: TrustDomainControl, fields: Fields): Promise<void> {
  onlyFields(fields, ['trustDomain']);
  return control.unfederate(requiredString(fields, 'trustDomain'));
}

function onlyFields(fields: Fields, known: readonly string[]): void {
  const unknown = Object.keys(fields).find((field) => !known.includes(field));
  if (unknown !== undefined) throw refuse(`no such field, got ${quote(unknown)}; there are ${known.join(', ')}`);
}

function optionalString(fields: Fields, field: string): string | undefined {
  const value = fields[field];
  if (value !== undefined && typeof value !== 'string') throw refuse(`${field} must be a string`);
  return value;
}

function requiredString(fields: Fields, field: string): string {
  const value = optionalString(fields, field);
  if (value === undefined || value === '') throw refuse(`${field} is missing`);
  return value;
}

function optionalDuration(fields: Fields, field: string): number | undefined {
  const value = fields[field];
  if (value === undefined) return undefined;
  if (typeof value === 'number' && value >= 0 && value <= MAX_WAIT_MS) return value;
  throw refuse(`${field} must be a number of milliseconds from 0 to ${MAX_WAIT_MS}`);
}

function refuse(rule: string): DevTrustDomainError {
  return new DevTrustDomainError('CONTROL_REQUEST', `control: ${rule}`);
}
