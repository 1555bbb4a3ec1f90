/**
 * JWT-SVIDs from the Workload API, kept for as long as they are fresh.
 */
import { SpiffeTlsError } from './errors.ts';
import { checkJwtRequest, fetchJwtOutcome, type JwtSvidRequest } from './fetch-jwt-svid.ts';
import type { JwtSvid } from './jwt-svid.ts';
import { JwtSvidCache } from './jwt-svid-cache.ts';
import { resolveWorkloadEndpoint } from './workload-endpoint.ts';

/** Options of {@link createWorkloadApiJwtSource}. */
export interface WorkloadApiJwtSourceOptions {
  /** The Workload API's address. Default: `SPIFFE_ENDPOINT_SOCKET` of `env`. */
  readonly endpoint?: string;
  /** The environment to read the address from, usually `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** How long to wait for each answer. Default 10 000. */
  readonly timeoutMs?: number;
  /** The present in milliseconds since the epoch. Default `Date.now`. */
  readonly now?: () => number;
}

/** A source of JWT-SVIDs. It holds no connection and no timer between calls. */
export interface WorkloadApiJwtSource extends AsyncDisposable {
  /**
   * A token that has not expired: a kept one in the first half of its life, else a new one. Calls that ask for the same,
   * in whatever order of audiences, share one answer. While the agent is unreachable a kept one serves until it expires.
   * PermissionDenied is never answered from what is kept.
   * @throws what `fetchJwtSvid` throws; `SOURCE_CLOSED` after `close`.
   */
  fetch(request: JwtSvidRequest): Promise<JwtSvid>;
  /** Cancels calls in flight and forgets every token. Idempotent. */
  close(): void;
}

/**
 * Makes a source. Nothing is asked until the first `fetch`.
 * @throws {SpiffeTlsError} `INVALID_ENDPOINT` when the address is missing or not valid.
 * @example
 * const source = createWorkloadApiJwtSource({ env: process.env });
 * const svid = await source.fetch({ audience: 'spiffe://example.org/backend' });
 * const headers = { authorization: bearerOf(svid) };
 */
export function createWorkloadApiJwtSource(options: WorkloadApiJwtSourceOptions = {}): WorkloadApiJwtSource {
  const endpoint = resolveWorkloadEndpoint(options);
  const now = options.now ?? Date.now;
  const closing = new AbortController();
  const { signal } = closing;
  const call = { endpoint, signal, now, ...(options.timeoutMs !== undefined && { timeoutMs: options.timeoutMs }) };
  const cache = new JwtSvidCache({ now, fetch: (request) => fetchJwtOutcome(request, call) });
  const close = () => {
    closing.abort(new SpiffeTlsError('SOURCE_CLOSED', 'jwt source: closed'));
    cache.close();
  };
  return {
    async fetch(request) {
      checkJwtRequest(request);
      if (signal.aborted) throw signal.reason;
      return cache.get(request);
    },
    close,
    [Symbol.asyncDispose]() {
      close();
      return Promise.resolve();
    },
  };
}
