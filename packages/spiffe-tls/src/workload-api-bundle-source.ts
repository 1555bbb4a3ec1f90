/**
 * Bundles alone, from the Workload API's `FetchX509Bundles`: for workloads that verify others and present nothing, such as
 * an auditor of signed records or a server that clients of the public web call.
 */
import { type Backoff, createExponentialBackoff } from './backoff.ts';
import type { Clock } from './clock.ts';
import { createDeferred } from './deferred.ts';
import { SpiffeTlsError } from './errors.ts';
import type { X509BundlesResponse } from './gen/workload.ts';
import { callSafely } from './source-events.ts';
import { sourceClock } from './source-lifecycle.ts';
import type { TrustDomain } from './trust-domain.ts';
import { createWorkloadApiClient } from './workload-api-client.ts';
import type { WorkloadApiFailure } from './workload-api-error.ts';
import { createStreamWatch, type StreamWatch } from './workload-api-watch.ts';
import { resolveWorkloadEndpoint } from './workload-endpoint.ts';
import { type X509Bundle, X509BundleSet, type X509BundleSource } from './x509-bundle.ts';
import { parseBundleMap } from './x509-context.ts';

const INITIAL_TIMEOUT_MS = 30_000;
const WITHDRAW_GRACE_MS = 2000;
const NOTHING = X509BundleSet.of();

/** Options of {@link createWorkloadApiX509BundleSource}. */
export interface WorkloadApiX509BundleSourceOptions {
  /** The Workload API's address. Default: `SPIFFE_ENDPOINT_SOCKET` of `env`. */
  readonly endpoint?: string;
  /** The environment to read the address from, usually `process.env`. Unused when `endpoint` is given. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** How long to wait for the first bundles before `ready()` rejects and the source closes. Default 30 000; `Infinity` waits for ever. */
  readonly initialTimeoutMs?: number;
  /** How long bundles stay in use after the API denied them. Default 2000; sane from 0 to 5000. */
  readonly withdrawGraceMs?: number;
  /** Waits between attempts. Default {@link createExponentialBackoff}. */
  readonly backoff?: Backoff;
  /** Time for waits and deadlines, for tests. Default: the system's. */
  readonly clock?: Clock;
  /** Lets the process end although the source is open. Default `false`. */
  readonly unref?: boolean;
}

/** What a subscriber of a bundle source is told. */
export type X509BundleEvent =
  | { readonly type: 'update'; readonly bundles: X509BundleSet }
  /** Nobody is trusted any more: the API denied the bundles for longer than the grace. */
  | { readonly type: 'withdrawn'; readonly error: SpiffeTlsError }
  /** Something was refused or is unreachable; the last good bundles stay in use. */
  | { readonly type: 'error'; readonly error: SpiffeTlsError };

/** A live source of bundles. Before the first, after a withdrawal and when closed it trusts nobody. */
export interface WorkloadApiX509BundleSource extends X509BundleSource, AsyncDisposable {
  /**
   * The first bundles.
   * @throws {SpiffeTlsError} `SOURCE_TIMEOUT`, `SOURCE_CLOSED`, or `WORKLOAD_API` when asking again can't help.
   */
  ready(): Promise<X509BundleSet>;
  /** The bundle of the moment; `undefined` when the trust domain is not trusted. Fits `verifyPeer` as it is. */
  get(trustDomain: TrustDomain): X509Bundle | undefined;
  /** All bundles of the moment. */
  current(): X509BundleSet;
  /** Calls back on each change. Returns how to stop. */
  subscribe(listener: (event: X509BundleEvent) => void): () => void;
  /** The last failure, until the next good message. */
  lastError(): SpiffeTlsError | undefined;
  /** Ends the stream and all timers. Idempotent. */
  close(): void;
}

/**
 * Opens a bundle source and begins to ask at once.
 * @throws {SpiffeTlsError} `INVALID_ENDPOINT` when the address is missing or not valid.
 * @example
 * const bundles = createWorkloadApiX509BundleSource({ env: process.env });
 * await bundles.ready();
 * const peer = verifyPeer({ chain, role: 'client', bundles, nowMs: Date.now(), authorize });
 */
export function createWorkloadApiX509BundleSource(
  options: WorkloadApiX509BundleSourceOptions = {},
): WorkloadApiX509BundleSource {
  const endpoint = resolveWorkloadEndpoint(options);
  return new BundleSource(options, () => createWorkloadApiClient(endpoint, { unref: options.unref === true }));
}

class BundleSource implements WorkloadApiX509BundleSource {
  readonly #options: WorkloadApiX509BundleSourceOptions;
  readonly #clock: Clock;
  readonly #watch: StreamWatch;
  readonly #ready = createDeferred<X509BundleSet>();
  readonly #listeners = new Set<{ readonly call: (event: X509BundleEvent) => void }>();
  readonly #cancelDeadline: () => void;
  #cancelGrace: (() => void) | undefined;
  #bundles: X509BundleSet | undefined;
  #lastError: SpiffeTlsError | undefined;
  #closed = false;

  constructor(options: WorkloadApiX509BundleSourceOptions, connect: () => ReturnType<typeof createWorkloadApiClient>) {
    this.#options = options;
    this.#clock = sourceClock(options);
    this.#watch = createStreamWatch<X509BundlesResponse>({
      method: 'FetchX509Bundles',
      connect,
      open: (client) => client.fetchX509Bundles({}),
      onMessage: (message) => this.#accept(message),
      onFailure: (failure) => this.#onFailure(failure),
      backoff: options.backoff ?? createExponentialBackoff(),
      clock: this.#clock,
    });
    const timeoutMs = options.initialTimeoutMs ?? INITIAL_TIMEOUT_MS;
    this.#cancelDeadline =
      timeoutMs === Number.POSITIVE_INFINITY
        ? () => {}
        : this.#clock.schedule(timeoutMs, () => this.#onDeadline(timeoutMs));
  }

  ready(): Promise<X509BundleSet> {
    return this.#ready.promise;
  }

  get(trustDomain: TrustDomain): X509Bundle | undefined {
    return this.current().get(trustDomain);
  }

  current(): X509BundleSet {
    return this.#bundles ?? NOTHING;
  }

  subscribe(listener: (event: X509BundleEvent) => void): () => void {
    const entry = { call: listener };
    this.#listeners.add(entry);
    return () => void this.#listeners.delete(entry);
  }

  lastError(): SpiffeTlsError | undefined {
    return this.#lastError;
  }

  close(): void {
    this.#end(new SpiffeTlsError('SOURCE_CLOSED', 'x509 bundle source: closed'));
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }

  #accept(message: X509BundlesResponse): boolean {
    let bundles: X509BundleSet;
    try {
      bundles = parseBundleMap(message.bundles);
    } catch (cause) {
      this.#report(cause instanceof SpiffeTlsError ? cause : unusable(cause));
      return false;
    }
    this.#lastError = undefined;
    this.#cancelGrace?.();
    this.#cancelGrace = undefined;
    this.#cancelDeadline();
    const changed = this.#bundles === undefined || !this.#bundles.equals(bundles);
    this.#bundles = bundles;
    this.#ready.resolve(bundles);
    if (changed) this.#emit({ type: 'update', bundles });
    return true;
  }

  #onFailure({ kind, error }: WorkloadApiFailure): void {
    this.#report(error);
    if (kind === 'unavailable') return;
    if (kind === 'fatal') {
      this.#cancelDeadline();
      this.#ready.reject(error);
    }
    if (kind === 'denied' && this.#bundles !== undefined) {
      this.#cancelGrace ??= this.#clock.schedule(this.#options.withdrawGraceMs ?? WITHDRAW_GRACE_MS, () =>
        this.#withdraw(error),
      );
    }
  }

  /** ZERO TRUST: whoever may not have the bundles any more must not go on verifying with old ones. */
  #withdraw(cause: SpiffeTlsError): void {
    this.#cancelGrace = undefined;
    this.#bundles = undefined;
    const message =
      'x509 bundle source: the Workload API denies the bundles; nobody is trusted until it gives them again';
    this.#emit({ type: 'withdrawn', error: new SpiffeTlsError('IDENTITY_WITHDRAWN', message, { cause }) });
  }

  #onDeadline(timeoutMs: number): void {
    const cause = this.#lastError;
    const said = cause === undefined ? 'the Workload API has not answered' : cause.message;
    const message = `x509 bundle source: no bundles within ${timeoutMs} ms; ${said}`;
    this.#end(new SpiffeTlsError('SOURCE_TIMEOUT', message, cause === undefined ? {} : { cause }));
  }

  /** The same failure again and again, as while an agent is down, is told once. */
  #report(error: SpiffeTlsError): void {
    const isNews = this.#lastError?.message !== error.message;
    this.#lastError = error;
    if (isNews) this.#emit({ type: 'error', error });
  }

  #end(error: SpiffeTlsError): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#watch.close();
    this.#cancelDeadline();
    this.#cancelGrace?.();
    this.#bundles = undefined;
    this.#lastError = error;
    this.#ready.reject(error);
    this.#listeners.clear();
  }

  #emit(event: X509BundleEvent): void {
    for (const listener of [...this.#listeners]) {
      if (this.#listeners.has(listener)) callSafely(() => listener.call(event));
    }
  }
}

function unusable(cause: unknown): SpiffeTlsError {
  const message = cause instanceof Error ? cause.message : String(cause);
  return new SpiffeTlsError('WORKLOAD_API', `workload api: message could not be used: ${message}`, { cause });
}
