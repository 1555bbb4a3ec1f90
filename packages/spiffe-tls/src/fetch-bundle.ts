/**
 * Asks a bundle endpoint once (Federation 5). Nothing of an answer is believed unless status, type and size are right: an
 * error page that happens to be JSON is no bundle.
 */
import type { IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { parseBundleDocument, type SpiffeBundle } from './bundle-document.ts';
import { type BundleEndpointProfile, connectToBundleEndpoint } from './bundle-endpoint-tls.ts';
import { type Clock, createSystemClock } from './clock.ts';
import { quote, refusal, SpiffeTlsError } from './errors.ts';
import { MAX_BUNDLE_BYTES } from './jwt-bundle.ts';
import type { TrustDomain } from './trust-domain.ts';
import type { X509BundleSource } from './x509-bundle.ts';

const AREA = 'bundle endpoint';
const TIMEOUT_MS = 10_000;
const MAX_REDIRECTS = 5;
const REDIRECTS: ReadonlySet<number | undefined> = new Set([301, 302, 303, 307, 308]);
const JSON_TYPE = /^application\/(?:[a-z0-9.+-]+\+)?json\s*(?:;|$)/i;

/** The three facts of a relationship, none of which is ever inferred from another (Federation 5.1). */
export interface BundleEndpoint {
  /** Whose bundle is there. */
  readonly trustDomain: TrustDomain;
  /** An `https:` address without user name. */
  readonly endpointUrl: string;
  /** How the server is verified. */
  readonly profile: BundleEndpointProfile;
}

/** Options of {@link fetchBundle}. */
export interface FetchBundleOptions {
  /** What an `https_spiffe` endpoint is verified against: the bundle of the trust domain of its SPIFFE ID. Default: none. */
  readonly bundles?: X509BundleSource;
  /** For everything together, redirects included. Default 10 000. */
  readonly timeoutMs?: number;
  /** Cancels. */
  readonly signal?: AbortSignal;
  /** Time, for tests. Default: the system's. */
  readonly clock?: Clock;
}

/**
 * The bundle that an endpoint serves now. Redirects are followed, at most five, to `https:` addresses whose servers pass the
 * same verification: for `https_spiffe`, the same SPIFFE ID.
 * @throws {SpiffeTlsError} `BUNDLE_ENDPOINT` for an address, status, type, size or failure of the connection; `INVALID_BUNDLE`
 * for a document that is none; what `verifyPeer` throws for an `https_spiffe` server; `SOURCE_CLOSED` when aborted.
 * @example
 * const profile = { type: 'https_web' } as const;
 * const bundle = await fetchBundle({ trustDomain, endpointUrl: 'https://bundles.partner.example/', profile });
 */
export async function fetchBundle(endpoint: BundleEndpoint, options: FetchBundleOptions = {}): Promise<SpiffeBundle> {
  const { timeoutMs = TIMEOUT_MS, clock = createSystemClock(), signal } = options;
  const first = parseEndpointUrl(endpoint.endpointUrl);
  const ending = new AbortController();
  const abort = () => ending.abort(new SpiffeTlsError('SOURCE_CLOSED', `${AREA}: aborted`, { cause: signal?.reason }));
  const late = () => ending.abort(refusal('BUNDLE_ENDPOINT', AREA, `must answer within ${timeoutMs} ms`, 'nothing'));
  const cancel = clock.schedule(timeoutMs, late);
  if (signal?.aborted) abort();
  else signal?.addEventListener('abort', abort, { once: true });
  try {
    const bytes = await follow(first, { endpoint, options, nowMs: clock.now(), signal: ending.signal });
    return parseBundleDocument(endpoint.trustDomain, bytes);
  } finally {
    cancel();
    signal?.removeEventListener('abort', abort);
  }
}

/**
 * Checks the address of an endpoint (Federation 5.2).
 * @throws {SpiffeTlsError} `BUNDLE_ENDPOINT`
 */
export function parseEndpointUrl(text: string, base?: URL): URL {
  const url = URL.canParse(text, base?.href) ? new URL(text, base) : undefined;
  // The address may hold a password: it is shown only when it can't.
  if (url === undefined) throw refusal('BUNDLE_ENDPOINT', AREA, 'address must be a URL', 'something else');
  if (url.username !== '' || url.password !== '') {
    throw refusal('BUNDLE_ENDPOINT', AREA, 'address must have no user name and password', 'one with');
  }
  if (url.protocol !== 'https:') {
    throw refusal('BUNDLE_ENDPOINT', AREA, 'address must begin with "https:"', quote(url.href));
  }
  return url;
}

interface Exchange {
  readonly endpoint: BundleEndpoint;
  readonly options: FetchBundleOptions;
  readonly nowMs: number;
  readonly signal: AbortSignal;
}

/** A redirect is always temporary: the next poll begins at the configured address again. */
async function follow(first: URL, exchange: Exchange): Promise<Uint8Array> {
  let url = first;
  for (let hop = 0; hop <= MAX_REDIRECTS; hop += 1) {
    const answer = await ask(url, exchange);
    if (answer instanceof Uint8Array) return answer;
    url = answer;
  }
  throw refusal('BUNDLE_ENDPOINT', AREA, `must redirect at most ${MAX_REDIRECTS} times`, 'more');
}

const NO_BUNDLES: X509BundleSource = { get: () => undefined };

/** The document, or where it is to be found instead. */
function ask(url: URL, { endpoint, options, nowMs, signal }: Exchange): Promise<Uint8Array | URL> {
  const { profile } = endpoint;
  const { bundles = NO_BUNDLES } = options;
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown) => reject(asEndpointError(signal.aborted ? signal.reason : cause, url));
    const outgoing = httpsRequest(url, {
      // A connection of its own for each question, and so a verification.
      createConnection: () => connectToBundleEndpoint({ url, profile, bundles, nowMs }),
      headers: { accept: 'application/json' },
      signal,
    });
    outgoing.on('error', fail);
    outgoing.once('response', (response) => {
      readAnswer(response, url).then(resolve, (cause: unknown) => {
        fail(cause);
        outgoing.destroy();
      });
    });
    outgoing.end();
  });
}

async function readAnswer(response: IncomingMessage, url: URL): Promise<Uint8Array | URL> {
  const { statusCode: status, headers } = response;
  if (REDIRECTS.has(status)) {
    response.destroy();
    return parseEndpointUrl(headers.location ?? '', url);
  }
  if (status !== 200) throw refusal('BUNDLE_ENDPOINT', AREA, `${shown(url)} must answer with 200`, `${status}`);
  const type = headers['content-type'];
  if (type === undefined || !JSON_TYPE.test(type)) {
    throw refusal('BUNDLE_ENDPOINT', AREA, `${shown(url)} must answer with JSON`, quote(type ?? 'no type'));
  }
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response) {
    if (!(chunk instanceof Uint8Array)) continue;
    chunks.push(chunk);
    length += chunk.length;
    if (length > MAX_BUNDLE_BYTES) {
      throw refusal(
        'BUNDLE_ENDPOINT',
        AREA,
        `${shown(url)} must answer with at most ${MAX_BUNDLE_BYTES} bytes`,
        'more',
      );
    }
  }
  return Buffer.concat(chunks);
}

function asEndpointError(cause: unknown, url: URL): SpiffeTlsError {
  if (cause instanceof SpiffeTlsError) return cause;
  const text = cause instanceof Error ? cause.message : String(cause);
  const rule = 'must answer';
  return new SpiffeTlsError('BUNDLE_ENDPOINT', `${AREA}: ${shown(url)} ${rule}, got ${quote(text)}`, {
    expected: rule,
    got: quote(text),
    cause,
  });
}

/** A query may hold a secret. */
function shown(url: URL): string {
  return quote(`${url.origin}${url.pathname}`);
}
