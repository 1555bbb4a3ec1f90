/**
 * Keeps JWT-SVIDs until half of their life is over, so that a call costs no question to the agent. Pure but for the function
 * that fetches.
 */
import { audiencesOf, type JwtSvidOutcome, type JwtSvidRequest } from './fetch-jwt-svid.ts';
import type { JwtSvid } from './jwt-svid.ts';
import { LruCache } from './lru-cache.ts';

/** Different requests that are remembered. */
const MAX_ENTRIES = 256;
/** How long a token past its half life is still used after the agent could not be reached. */
const RETRY_MS = 5000;

interface Entry {
  readonly svid: JwtSvid;
  readonly refreshAtMs: number;
}

/** What a cache is made of. */
export interface JwtSvidCacheOptions {
  readonly fetch: (request: JwtSvidRequest) => Promise<JwtSvidOutcome>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** A cache of tokens by request. */
export class JwtSvidCache {
  readonly #options: JwtSvidCacheOptions;
  readonly #entries = new LruCache<string, Entry | undefined>(MAX_ENTRIES);
  readonly #inFlight = new Map<string, Promise<JwtSvid>>();
  #closed = false;

  constructor(options: JwtSvidCacheOptions) {
    this.#options = options;
  }

  /** A token for the request that has not expired. Requests that mean the same share one call. */
  get(request: JwtSvidRequest): Promise<JwtSvid> {
    const key = keyOf(request);
    const nowMs = this.#options.now();
    const entry = this.#entries.get(key);
    if (entry !== undefined && nowMs < entry.refreshAtMs && nowMs < entry.svid.expiresAtMs) {
      return Promise.resolve(entry.svid);
    }
    const running = this.#inFlight.get(key);
    if (running !== undefined) return running;
    const fetching = this.#refresh(key, request).finally(() => this.#inFlight.delete(key));
    this.#inFlight.set(key, fetching);
    return fetching;
  }

  /** Forgets every token, and does not keep those that are still to come. */
  close(): void {
    this.#closed = true;
    this.#entries.clear();
  }

  async #refresh(key: string, request: JwtSvidRequest): Promise<JwtSvid> {
    const outcome = await this.#options.fetch(request);
    const nowMs = this.#options.now();
    if (outcome.ok) {
      const { svid } = outcome;
      this.#remember(key, { svid, refreshAtMs: nowMs + (svid.expiresAtMs - nowMs) / 2 });
      return svid;
    }
    const { kind, error } = outcome.failure;
    const last = this.#entries.get(key);
    // ZERO TRUST: whoever is denied an identity has none, whatever is still in the cache.
    if (kind !== 'unavailable') this.#forget(key, request);
    if (kind !== 'unavailable' || last === undefined || nowMs >= last.svid.expiresAtMs) throw error;
    // The agent is away and the token is good: not each call shall wait for an agent that does not answer.
    this.#remember(key, { svid: last.svid, refreshAtMs: nowMs + RETRY_MS });
    return last.svid;
  }

  #remember(key: string, entry: Entry): void {
    if (!this.#closed) this.#entries.set(key, entry);
  }

  /** Denied without a subject means that there is no identity at all. */
  #forget(key: string, request: JwtSvidRequest): void {
    if (request.subject === undefined && request.hint === undefined) this.#entries.clear();
    else this.#entries.set(key, undefined);
  }
}

function keyOf(request: JwtSvidRequest): string {
  return JSON.stringify([audiencesOf(request), request.subject?.toString() ?? '', request.hint ?? '']);
}
