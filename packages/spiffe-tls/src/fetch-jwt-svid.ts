/**
 * Asks the Workload API for JWT-SVIDs, once. For more than a call or two use `createWorkloadApiJwtSource`, which keeps them.
 */
import { quote, refusal, SpiffeTlsError } from './errors.ts';
import type { JWTSVID, JWTSVIDResponse } from './gen/workload.ts';
import { JwtSvid } from './jwt-svid.ts';
import { decodeJwt } from './jwt-token.ts';
import type { SpiffeId } from './spiffe-id.ts';
import { checkSvidBounds } from './workload-api-bounds.ts';
import type { WorkloadApiFailure } from './workload-api-error.ts';
import { callWorkloadApi, type UnaryCallOptions, type UnaryMethod } from './workload-api-unary.ts';
import { resolveWorkloadEndpoint } from './workload-endpoint.ts';

/** Which JWT-SVID is wanted. */
export interface JwtSvidRequest {
  /** Whom the token is for. One is best: with two, either receiver can use it at the other. */
  readonly audience: string | readonly string[];
  /** Of which identity, where the workload has several. Default: all of them, of which the first is the default one. */
  readonly subject?: SpiffeId;
  /** Takes the one with this hint, and no other. */
  readonly hint?: string;
}

/** Options of {@link fetchJwtSvid} and {@link fetchJwtSvids}. */
export interface FetchJwtSvidOptions {
  /** The Workload API's address. Default: `SPIFFE_ENDPOINT_SOCKET` of `env`. */
  readonly endpoint?: string;
  /** The environment to read the address from, usually `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** How long to wait for the answer. Default 10 000. */
  readonly timeoutMs?: number;
  /** Cancels the call. */
  readonly signal?: AbortSignal;
  /** The present in milliseconds since the epoch. Default `Date.now`. */
  readonly now?: () => number;
}

/** A request as it goes on the wire. */
interface WireRequest {
  readonly audience: string[];
  readonly spiffeId: string;
}

/** A token, or why there is none. */
export type JwtSvidOutcome =
  | { readonly ok: true; readonly svid: JwtSvid }
  | { readonly ok: false; readonly failure: WorkloadApiFailure };

/**
 * The JWT-SVID asked for. It is parsed and checked against the request, and not validated: that is the receiver's part.
 * @throws {SpiffeTlsError} `WORKLOAD_API` when the API refuses, is unreachable or answers something else than was asked for,
 * `NO_SVID_FOR_HINT`, `SVID_ID_MISMATCH`, `EXPIRED`, `SOURCE_CLOSED` when aborted, `INVALID_ENDPOINT`
 * @throws {TypeError} for an empty audience or hint.
 * @example
 * const svid = await fetchJwtSvid({ audience: 'spiffe://example.org/backend' }, { env: process.env });
 */
export async function fetchJwtSvid(request: JwtSvidRequest, options: FetchJwtSvidOptions = {}): Promise<JwtSvid> {
  return selectJwtSvid(await fetchJwtSvids(request, options), request.hint);
}

/**
 * All JWT-SVIDs that the API answers with, the default one first; `hint` is not looked at.
 * @throws what {@link fetchJwtSvid} throws.
 * @example
 * const [first, ...others] = await fetchJwtSvids({ audience: 'spiffe://example.org/backend' }, { env: process.env });
 */
export async function fetchJwtSvids(
  request: JwtSvidRequest,
  options: FetchJwtSvidOptions = {},
): Promise<readonly [JwtSvid, ...JwtSvid[]]> {
  checkJwtRequest(request);
  const endpoint = resolveWorkloadEndpoint(options);
  const outcome = await callWorkloadApi(methodFor(request), { ...options, endpoint });
  if (!outcome.ok) throw outcome.failure.error;
  return parseJwtResponse(outcome.response, request, (options.now ?? Date.now)());
}

/** As {@link fetchJwtSvid}, but a failure is a value that says whether to ask again. */
export async function fetchJwtOutcome(
  request: JwtSvidRequest,
  options: UnaryCallOptions & { readonly now: () => number },
): Promise<JwtSvidOutcome> {
  const outcome = await callWorkloadApi(methodFor(request), options);
  if (!outcome.ok) return outcome;
  try {
    return { ok: true, svid: selectJwtSvid(parseJwtResponse(outcome.response, request, options.now()), request.hint) };
  } catch (cause) {
    if (!(cause instanceof SpiffeTlsError)) throw cause;
    // Without an SVID for the hint the identity asked for is gone; anything else is an answer that can't be used.
    return { ok: false, failure: { kind: cause.code === 'NO_SVID_FOR_HINT' ? 'denied' : 'unavailable', error: cause } };
  }
}

/** The audiences of a request: sorted, each once, so that their order makes no difference. */
export function audiencesOf({ audience }: JwtSvidRequest): string[] {
  return [...new Set(typeof audience === 'string' ? [audience] : audience)].sort();
}

/** @throws {TypeError} for a request that means nothing. */
export function checkJwtRequest(request: JwtSvidRequest): void {
  const audiences = audiencesOf(request);
  if (audiences.length === 0 || audiences.includes('')) throw new TypeError('jwt source: audience must not be empty');
  if (request.hint === '') throw new TypeError('jwt source: hint must not be empty; leave it out for the default');
}

function methodFor(request: JwtSvidRequest): UnaryMethod<JWTSVIDResponse> {
  const wire: WireRequest = { audience: audiencesOf(request), spiffeId: request.subject?.toString() ?? '' };
  return {
    name: 'FetchJWTSVID',
    start: (client, { metadata, options }, done) => client.fetchJwtsvid(wire, metadata, options, done),
  };
}

function parseJwtResponse(
  { svids }: JWTSVIDResponse,
  request: JwtSvidRequest,
  nowMs: number,
): readonly [JwtSvid, ...JwtSvid[]] {
  checkSvidBounds(svids);
  const [first, ...rest] = svids.map((message) => parseOne(message, request, nowMs));
  if (first === undefined) throw unusable('must have svids', 'none');
  return [first, ...rest];
}

function parseOne(message: JWTSVID, request: JwtSvidRequest, nowMs: number): JwtSvid {
  if (message.spiffeId === '') throw unusable('must have spiffe_id', 'none');
  if (message.svid === '') throw unusable('must have svid', 'none');
  const decoded = decodeJwt(message.svid, { allowExtraHeaders: true });
  const id = decoded.id.toString();
  const wanted = request.subject?.toString() ?? message.spiffeId;
  if (id !== message.spiffeId || id !== wanted) {
    throw refusal('SVID_ID_MISMATCH', 'jwt source', `sub must be ${quote(wanted)}`, quote(id));
  }
  const missing = audiencesOf(request).find((name) => !decoded.audience.includes(name));
  if (missing !== undefined) throw unusable(`must be for ${quote(missing)}`, quote(decoded.audience.join(' ')));
  if (nowMs >= decoded.expiresAtMs) {
    throw refusal('EXPIRED', 'jwt source', 'exp must be ahead', new Date(decoded.expiresAtMs).toISOString());
  }
  return new JwtSvid(decoded, message.hint);
}

/** The one with the hint, else the first. There is no falling back: another SVID is another identity. */
function selectJwtSvid(svids: readonly [JwtSvid, ...JwtSvid[]], hint: string | undefined): JwtSvid {
  if (hint === undefined) return svids[0];
  const chosen = svids.find((svid) => svid.hint === hint);
  if (chosen !== undefined) return chosen;
  const got = quote(svids.map(({ id }) => `${id}`).join(', '));
  throw refusal('NO_SVID_FOR_HINT', 'jwt source', `an SVID must have the hint ${quote(hint)}`, got);
}

function unusable(rule: string, got: string): SpiffeTlsError {
  return refusal('WORKLOAD_API', 'workload api', `answer to FetchJWTSVID ${rule}`, got);
}
