/**
 * One request to a bundle server. Nothing of an answer is believed unless status, type and size are right, and it came
 * from the address asked: a redirect is refused. TLS is the agent's, or Node's with the web's roots.
 */
import { type Agent, type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { quote } from '@countersign/spiffe-tls';
import { AuthzError } from '../errors.ts';

/** What stays the same from request to request. */
export interface BundleRequestOptions {
  readonly url: string;
  /** Verifies the server, `createSpiffeHttpsAgent` say. Default: Node's, with the web's roots. */
  readonly agent?: Agent;
  /** Sent each time, a bearer token say; asked anew, so that it may change. */
  readonly headers?: () => Readonly<Record<string, string>>;
  /** For the whole answer, on top of what a long poll may take. Default 30 000. */
  readonly timeoutMs?: number;
  /** Bytes of an answer at most. */
  readonly maxBytes: number;
}

/** What differs. */
export interface BundleConditions {
  /** Of the bundle in use. */
  readonly etag: string | undefined;
  /** 0: the server is to answer at once. */
  readonly waitSeconds: number;
  readonly signal: AbortSignal;
}

/** A bundle, or, without bytes, "still that one". */
export interface BundleAnswer {
  readonly bytes?: Uint8Array;
  readonly etag?: string | undefined;
  /** Whether the server holds answers back; `undefined` when it did not say. */
  readonly longPolls?: boolean | undefined;
}

const LONG_POLL_TYPE = 'application/vnd.openpolicyagent.bundles';
const TYPES: ReadonlySet<string> = new Set([
  LONG_POLL_TYPE,
  'application/gzip',
  'application/x-gzip',
  'application/octet-stream',
  'application/x-tar',
  '',
]);
/** Quoted, with or without `W/`, and short: it goes back to the server as it came. */
const ETAG = /^(?:W\/)?"[\x21\x23-\x7e]{0,512}"$/;

/**
 * Checks a bundle server's address: `https`, or `http` on this machine.
 * @throws {TypeError} with the rule
 */
export function checkBundleUrl(text: string, plainHttpAnywhere: boolean): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '')
    throw new TypeError(`bundle server: url must be an http(s) address without user name, got ${quote(text)}`);
  if (url.protocol === 'http:' && !plainHttpAnywhere && !/^(?:127(?:\.\d+){3}|\[::1\])$/.test(url.hostname))
    throw new TypeError(`bundle server: url must be https, or an IP address of loopback, got ${quote(text)}`);
  return url.href;
}

/** Asks once. @throws {AuthzError} `BUNDLE_SOURCE`. */
export async function requestBundle(
  options: BundleRequestOptions,
  { etag, waitSeconds, signal }: BundleConditions,
): Promise<BundleAnswer> {
  const timeoutMs = (options.timeoutMs ?? 30_000) + waitSeconds * 1000;
  const late = AbortSignal.timeout(timeoutMs);
  try {
    const ending = AbortSignal.any([signal, late]);
    const response = await send(options, headersOf(options, etag, waitSeconds), ending);
    return await readAnswer(response, options.maxBytes, etag);
  } catch (cause) {
    if (cause instanceof AuthzError) throw cause;
    if (late.aborted) throw refused(`must answer within ${timeoutMs} ms`, cause);
    throw refused(`must be reachable: ${cause instanceof Error ? cause.message : String(cause)}`, cause);
  }
}

function headersOf({ headers }: BundleRequestOptions, etag: string | undefined, waitSeconds: number) {
  const wait = waitSeconds > 0 ? `;wait=${waitSeconds}` : '';
  return {
    ...headers?.(),
    accept: `${LONG_POLL_TYPE}, application/gzip, application/octet-stream`,
    prefer: `modes=snapshot${wait}`,
    ...(etag === undefined ? {} : { 'if-none-match': etag }),
  };
}

function send(
  { url, agent }: BundleRequestOptions,
  headers: Record<string, string>,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const options = { headers, signal, ...(agent === undefined ? {} : { agent }) };
    const request = url.startsWith('https:')
      ? // Said again here, so that no setting of the process's can take it away.
        requestHttps(url, { ...options, rejectUnauthorized: true }, resolve)
      : requestHttp(url, options, resolve);
    request.on('error', reject).end();
  });
}

async function readAnswer(
  response: IncomingMessage,
  maxBytes: number,
  asked: string | undefined,
): Promise<BundleAnswer> {
  try {
    const longPolls = checkHead(response, asked);
    if (response.statusCode === 304) {
      response.resume();
      return { longPolls };
    }
    const etag = response.headers.etag;
    // One that can't be sent back is as good as none: the bundle is then fetched each time.
    return { bytes: await readBody(response, maxBytes), etag: ETAG.test(etag ?? '') ? etag : undefined, longPolls };
  } catch (error) {
    response.destroy();
    throw error;
  }
}

function checkHead({ statusCode = 0, headers }: IncomingMessage, asked: string | undefined): boolean | undefined {
  if (statusCode >= 300 && statusCode < 400 && statusCode !== 304) throw refused('must not redirect');
  if (statusCode === 304 && asked === undefined) throw refused('must not answer 304 to a request without an ETag');
  if (statusCode !== 200 && statusCode !== 304) throw refused(`must answer 200 or 304, got ${statusCode}`);
  const type = (headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (statusCode === 200 && !TYPES.has(type)) throw refused(`must send a bundle, got ${quote(type)}`);
  if ((headers['content-encoding'] ?? 'identity') !== 'identity') throw refused('must send the bundle unencoded');
  return type === '' ? undefined : type === LONG_POLL_TYPE;
}

async function readBody(response: IncomingMessage, maxBytes: number): Promise<Uint8Array> {
  if (Number(response.headers['content-length'] ?? 0) > maxBytes) throw tooLarge(maxBytes);
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response) {
    if (!(chunk instanceof Uint8Array)) continue;
    length += chunk.byteLength;
    if (length > maxBytes) throw tooLarge(maxBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function tooLarge(maxBytes: number): AuthzError {
  return refused(`may send at most ${maxBytes} bytes`);
}

function refused(rule: string, cause?: unknown): AuthzError {
  return new AuthzError('BUNDLE_SOURCE', `bundle server: ${rule}`, cause === undefined ? {} : { cause });
}
