/**
 * JWT bundles fed by the Workload API's stream: what offline validation looks keys up in. Each message replaces the whole
 * state; a bad one is reported and discarded.
 */
import { type Backoff, createExponentialBackoff } from './backoff.ts';
import { type Clock, createSystemClock } from './clock.ts';
import { createDeferred } from './deferred.ts';
import { SpiffeTlsError } from './errors.ts';
import type { JWTBundlesResponse } from './gen/workload.ts';
import type { JwtBundle, JwtBundleSet, JwtBundleSource } from './jwt-bundle.ts';
import { parseJwtBundles } from './jwt-bundles-response.ts';
import { toSpiffeTlsError } from './refusal.ts';
import type { TrustDomain } from './trust-domain.ts';
import { createWorkloadApiClient } from './workload-api-client.ts';
import type { WorkloadApiFailure } from './workload-api-error.ts';
import { createStreamWatch, type StreamWatch } from './workload-api-watch.ts';
import { resolveWorkloadEndpoint, type WorkloadEndpoint } from './workload-endpoint.ts';

const INITIAL_TIMEOUT_MS = 30_000;
const WITHDRAW_GRACE_MS = 2000;

/** Options of {@link createWorkloadApiJwtBundleSource}; they mean what they mean for an X.509 source. */
export interface WorkloadApiJwtBundleSourceOptions {
  /** The Workload API's address. Default: `SPIFFE_ENDPOINT_SOCKET` of `env`. */
  readonly endpoint?: string;
  /** The environment to read the address from, usually `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** How long to wait for the first bundles before `ready()` rejects and the source closes. Default 30 000. */
  readonly initialTimeoutMs?: number;
  /** How long bundles stay in use after the API denied them. Default 2000. Not 0: a restarting agent denies everybody. */
  readonly withdrawGraceMs?: number;
  /** Waits between attempts. Default {@link createExponentialBackoff}. */
  readonly backoff?: Backoff;
  /** Time for waits and deadlines, for tests. Default: the system's. */
  readonly clock?: Clock;
  /** Lets the process end although the source is open. Default `false`. */
  readonly unref?: boolean;
}

/** What a subscriber is told. */
export type JwtBundleSourceEvent =
  | { readonly type: 'update'; readonly bundles: JwtBundleSet }
  /** The workload is registered no more: nothing may be validated with what it had. Another `update` may follow. */
  | { readonly type: 'withdrawn'; readonly error: SpiffeTlsError }
  /** Something was refused or is unreachable; the last good bundles stay in use. */
  | { readonly type: 'error'; readonly error: SpiffeTlsError };

/** A live source of JWT bundles. */
export interface WorkloadApiJwtBundleSource extends JwtBundleSource, AsyncDisposable {
  /** The first bundles. Rejects with `SOURCE_TIMEOUT`, `SOURCE_CLOSED` or, when asking again can't help, `WORKLOAD_API`. */
  ready(): Promise<JwtBundleSet>;
  /** @throws {SpiffeTlsError} `SOURCE_NOT_READY`, `IDENTITY_WITHDRAWN` or `SOURCE_CLOSED`. */
  current(): JwtBundleSet;
  /** As `current().get(trustDomain)`, so that the source is what `validateJwtSvid` takes as `bundles`. */
  get(trustDomain: TrustDomain): JwtBundle | undefined;
  /** Calls back on each change. Returns how to stop. */
  subscribe(listener: (event: JwtBundleSourceEvent) => void): () => void;
  /** Ends the stream and all timers. Idempotent. */
  close(): void;
}

/**
 * Opens a source and begins to ask at once.
 * @throws {SpiffeTlsError} `INVALID_ENDPOINT` when the address is missing or not valid.
 * @example
 * const bundles = createWorkloadApiJwtBundleSource({ env: process.env });
 * await bundles.ready();
 * const svid = validateJwtSvid(token, { audience, bundles, nowMs: Date.now() });
 */
export function createWorkloadApiJwtBundleSource(
  options: WorkloadApiJwtBundleSourceOptions = {},
): WorkloadApiJwtBundleSource {
  return new LiveBundleSource(resolveWorkloadEndpoint(options), options);
}

type State =
  | { readonly type: 'ready'; readonly bundles: JwtBundleSet }
  /** No bundles, and `error` says why. */
  | { readonly type: 'empty'; readonly error: SpiffeTlsError }
  | { readonly type: 'closed'; readonly error: SpiffeTlsError };

class LiveBundleSource implements WorkloadApiJwtBundleSource {
  readonly #options: WorkloadApiJwtBundleSourceOptions;
  readonly #clock: Clock;
  readonly #watch: StreamWatch;
  readonly #ready = createDeferred<JwtBundleSet>();
  readonly #listeners = new Set<(event: JwtBundleSourceEvent) => void>();
  readonly #cancelDeadline: () => void;
  #state: State = { type: 'empty', error: new SpiffeTlsError('SOURCE_NOT_READY', 'jwt bundles: none received yet') };
  #lastError: SpiffeTlsError | undefined;
  #cancelGrace: (() => void) | undefined;

  constructor(endpoint: WorkloadEndpoint, options: WorkloadApiJwtBundleSourceOptions) {
    this.#options = options;
    this.#clock = options.clock ?? createSystemClock({ unref: options.unref === true });
    this.#watch = this.#startWatch(endpoint);
    const timeoutMs = options.initialTimeoutMs ?? INITIAL_TIMEOUT_MS;
    const rule = `jwt bundles: none within ${timeoutMs} ms`;
    this.#cancelDeadline =
      timeoutMs === Number.POSITIVE_INFINITY
        ? () => {}
        : this.#clock.schedule(timeoutMs, () => this.#shutDown('SOURCE_TIMEOUT', rule));
  }

  ready(): Promise<JwtBundleSet> {
    return this.#ready.promise;
  }

  current(): JwtBundleSet {
    if (this.#state.type === 'ready') return this.#state.bundles;
    throw this.#state.error;
  }

  get(trustDomain: TrustDomain): JwtBundle | undefined {
    return this.current().get(trustDomain);
  }

  subscribe(listener: (event: JwtBundleSourceEvent) => void): () => void {
    const entry = (event: JwtBundleSourceEvent) => listener(event);
    this.#listeners.add(entry);
    return () => void this.#listeners.delete(entry);
  }

  close(): void {
    this.#shutDown('SOURCE_CLOSED', 'jwt bundles: closed');
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }

  #startWatch(endpoint: WorkloadEndpoint): StreamWatch {
    const { backoff = createExponentialBackoff(), unref = false } = this.#options;
    return createStreamWatch<JWTBundlesResponse>({
      method: 'FetchJWTBundles',
      connect: () => createWorkloadApiClient(endpoint, { unref }),
      open: (client) => client.fetchJwtBundles({}),
      onMessage: (message) => this.#accept(message),
      onFailure: (failure) => this.#fail(failure),
      backoff,
      clock: this.#clock,
    });
  }

  #accept(message: JWTBundlesResponse): boolean {
    let bundles: JwtBundleSet;
    try {
      bundles = parseJwtBundles(message);
    } catch (cause) {
      this.#report(toSpiffeTlsError(cause));
      return false;
    }
    this.#stopGrace();
    this.#lastError = undefined;
    const before = this.#state.type === 'ready' ? this.#state.bundles : undefined;
    // What a reconnect brings again is no change.
    if (before?.equals(bundles)) return true;
    this.#state = { type: 'ready', bundles };
    this.#cancelDeadline();
    this.#ready.resolve(bundles);
    this.#emit({ type: 'update', bundles });
    return true;
  }

  #fail({ kind, error }: WorkloadApiFailure): void {
    if (kind === 'fatal') {
      this.#cancelDeadline();
      this.#ready.reject(error);
      if (this.#state.type === 'empty') this.#state = { type: 'empty', error };
    }
    if (kind === 'denied' && this.#state.type === 'ready' && this.#cancelGrace === undefined) {
      const graceMs = this.#options.withdrawGraceMs ?? WITHDRAW_GRACE_MS;
      this.#cancelGrace = this.#clock.schedule(graceMs, () => this.#withdraw(error));
    }
    this.#report(error);
  }

  #withdraw(cause: SpiffeTlsError): void {
    const message = 'jwt bundles: the workload is registered no more; they are used again once it is';
    const error = new SpiffeTlsError('IDENTITY_WITHDRAWN', message, { cause });
    this.#stopGrace();
    this.#state = { type: 'empty', error };
    this.#emit({ type: 'withdrawn', error });
  }

  #stopGrace(): void {
    this.#cancelGrace?.();
    this.#cancelGrace = undefined;
  }

  /** The same failure again and again, as while an agent is down, is told once. */
  #report(error: SpiffeTlsError): void {
    const repeated = this.#lastError?.message === error.message;
    this.#lastError = error;
    if (!repeated) this.#emit({ type: 'error', error });
  }

  #emit(event: JwtBundleSourceEvent): void {
    for (const listener of [...this.#listeners]) listener(event);
  }

  #shutDown(code: 'SOURCE_TIMEOUT' | 'SOURCE_CLOSED', rule: string): void {
    if (this.#state.type === 'closed') return;
    const last = this.#lastError;
    const said = last === undefined ? 'the Workload API has not answered' : last.message;
    const message = code === 'SOURCE_TIMEOUT' ? `${rule}; ${said}` : rule;
    const error = new SpiffeTlsError(code, message, last === undefined ? {} : { cause: last });
    this.#watch.close();
    this.#stopGrace();
    this.#cancelDeadline();
    this.#state = { type: 'closed', error };
    this.#ready.reject(error);
    this.#listeners.clear();
  }
}
