/**
 * OTLP over HTTP: `POST /v1/traces`, `/v1/logs`, `/v1/metrics`, protobuf or JSON, gzip or not.
 *
 * ZERO TRUST: nothing says who sends. What is received is a claim, good for showing and for nothing else, so listen on
 * loopback. A page in a browser is refused, since any page may try.
 * @see https://opentelemetry.io/docs/specs/otlp/#otlphttp
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { exportResponse, statusMessage } from './answer-messages.ts';
import { OtlpError } from './errors.ts';
import { readBody } from './http-body.ts';
import { type HttpRefusal, HttpRefusalError } from './http-refusal.ts';
import { EXPORT_LIMITS, type ExportLimits } from './limits.ts';
import type { Encoding } from './read-export.ts';
import type { OtlpSink, RawExport, Signal } from './sink.ts';
import { takeExport } from './take-export.ts';

/** How {@link createOtlpHttpHandler} receives. */
export interface OtlpHttpOptions {
  readonly sink: OtlpSink;
  /** Of a body, compressed and not. Default 4 MiB; an exporter's batch is some 100 KiB. */
  readonly maxBytes?: number;
  /** Bodies that are being read at once; further ones are told to come again (429). Default 32. */
  readonly maxConcurrent?: number;
  /** Of what is in a body. */
  readonly limits?: ExportLimits;
  /** Told what the sink threw: a bug, answered with 500. Default: it is an uncaught exception. */
  readonly onError?: (error: unknown) => void;
}

const DEFAULT_MAX_BYTES = 4 * 1024 * 1024;
const DEFAULT_MAX_CONCURRENT = 32;
const RETRY_AFTER_SECONDS = '1';

const PATHS: ReadonlyMap<string | undefined, Signal> = new Map([
  ['/v1/traces', 'traces'],
  ['/v1/logs', 'logs'],
  ['/v1/metrics', 'metrics'],
]);

const CONTENT_TYPES: Readonly<Record<Encoding, string>> = {
  protobuf: 'application/x-protobuf',
  json: 'application/json',
};

/** gRPC's codes, which `google.rpc.Status` has, by HTTP status. */
const RPC_CODES: Readonly<Record<HttpRefusal['status'], number>> = {
  400: 3,
  403: 7,
  404: 5,
  405: 12,
  413: 8,
  415: 3,
  429: 8,
  500: 13,
};

/**
 * Makes the handler, for `node:http` and anything like it.
 * @example createServer(createOtlpHttpHandler({ sink: { spans: (spans) => console.log(spans.length) } })).listen(4318)
 */
export function createOtlpHttpHandler(
  options: OtlpHttpOptions,
): (request: IncomingMessage, response: ServerResponse) => void {
  const { onError = throwLater, maxConcurrent = DEFAULT_MAX_CONCURRENT } = options;
  let reading = 0;
  return (request, response) => {
    const asked = ask(request);
    if ('refusal' in asked) return refuse(request, response, asked.refusal);
    if (reading >= maxConcurrent) return refuse(request, response, BUSY);
    reading += 1;
    receive(request, asked, options)
      .then(
        (body) => answer(response, 200, asked.encoding, body),
        (error: unknown) => refuse(request, response, refusalOf(error, onError)),
      )
      .finally(() => {
        reading -= 1;
      });
  };
}

interface Asked {
  readonly signal: Signal;
  readonly encoding: Encoding;
}

const BUSY: HttpRefusal = {
  status: 429,
  message: 'too many exports at once',
  headers: { 'retry-after': RETRY_AFTER_SECONDS },
};

/** What is asked for, or why not, by the request's head alone. */
function ask({ url, method, headers }: IncomingMessage): Asked | { readonly refusal: HttpRefusal } {
  const signal = PATHS.get(url?.split('?')[0]);
  if (signal === undefined) return refused(404, 'paths are /v1/traces, /v1/logs and /v1/metrics');
  if (method !== 'POST') return refused(405, 'the method is POST', { allow: 'POST' });
  if (headers.origin !== undefined || headers['sec-fetch-site'] !== undefined)
    return refused(403, 'browsers do not export here');
  const encoding = encodingOf(headers['content-type']);
  if (encoding === undefined) return refused(415, `content-type: must be ${Object.values(CONTENT_TYPES).join(' or ')}`);
  const compression = headers['content-encoding'] ?? 'identity';
  if (compression !== 'gzip' && compression !== 'identity')
    return refused(415, 'content-encoding: must be gzip, or none', { 'accept-encoding': 'gzip' });
  return { signal, encoding };
}

function refused(status: HttpRefusal['status'], message: string, headers: Readonly<Record<string, string>> = {}) {
  return { refusal: { status, message, headers } };
}

function encodingOf(contentType: string | undefined): Encoding | undefined {
  const type = contentType?.split(';')[0]?.trim().toLowerCase();
  if (type === CONTENT_TYPES.json) return 'json';
  return type === CONTENT_TYPES.protobuf ? 'protobuf' : undefined;
}

async function receive(
  request: IncomingMessage,
  { signal, encoding }: Asked,
  options: OtlpHttpOptions,
): Promise<Buffer> {
  const { sink, maxBytes = DEFAULT_MAX_BYTES, limits = EXPORT_LIMITS } = options;
  const { raw, bytes } = await readBody(request, maxBytes);
  const taken = takeExport(signal, { encoding, bytes, limits }, sink);
  sink.received?.(rawExport(request, signal, raw));
  return exportResponse(signal, encoding, taken);
}

function rawExport({ headers }: IncomingMessage, signal: Signal, body: Buffer): RawExport {
  const { 'content-type': contentType = '', 'content-encoding': contentEncoding, 'user-agent': userAgent } = headers;
  return {
    signal,
    body,
    contentType,
    ...(contentEncoding !== undefined && { contentEncoding }),
    ...(userAgent !== undefined && { userAgent }),
  };
}

function refusalOf(error: unknown, onError: (error: unknown) => void): HttpRefusal {
  if (error instanceof HttpRefusalError) return error.refusal;
  if (error instanceof OtlpError) return { status: 400, message: error.message };
  // The client has gone: nobody reads the answer.
  if (error instanceof Error && 'code' in error && error.code === 'ECONNRESET')
    return { status: 400, message: 'aborted' };
  onError(error);
  return { status: 500, message: 'the export could not be taken' };
}

/** In the encoding of the request; JSON where that has none of the two. */
function refuse(request: IncomingMessage, response: ServerResponse, { status, message, headers }: HttpRefusal): void {
  const encoding = encodingOf(request.headers['content-type']) ?? 'json';
  // What of the body was not read yet is not going to be: the connection can't be used again.
  if (!request.complete) response.setHeader('connection', 'close');
  for (const [name, value] of Object.entries(headers ?? {})) response.setHeader(name, value);
  answer(response, status, encoding, statusMessage(encoding, RPC_CODES[status], message));
}

function answer(response: ServerResponse, status: number, encoding: Encoding, body: Buffer): void {
  response.writeHead(status, { 'content-type': CONTENT_TYPES[encoding], 'content-length': body.length }).end(body);
}

function throwLater(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
