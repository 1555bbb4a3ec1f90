/**
 * The shared half of the sources that hold bundles alone: one stream of the Workload API whose messages each replace the
 * whole state. A bad message is reported and discarded; denied bundles are given up after a grace.
 */
import { type Backoff, createExponentialBackoff } from './backoff.ts';
import { type Clock, createSystemClock } from './clock.ts';
import { createDeferred } from './deferred.ts';
import { SpiffeTlsError } from './errors.ts';
import { callSafely } from './source-events.ts';
import { createWorkloadApiClient } from './workload-api-client.ts';
import type { WorkloadApiFailure } from './workload-api-error.ts';
import { createStreamWatch, type StreamWatch, type StreamWatchOptions } from './workload-api-watch.ts';
import { resolveWorkloadEndpoint } from './workload-endpoint.ts';

const INITIAL_TIMEOUT_MS = 30_000;
const WITHDRAW_GRACE_MS = 2000;

/** Options of a source of bundles; they mean what they mean for an X.509 source. */
export interface WorkloadApiBundleSourceOptions {
  /** The Workload API's address. Default: `SPIFFE_ENDPOINT_SOCKET` of `env`. */
  readonly endpoint?: string;
  /** The environment to read the address from, usually `process.env`. Unused when `endpoint` is given. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** How long to wait for the first bundles before `ready()` rejects and the source closes. Default 30 000; `Infinity` waits for ever. */
  readonly initialTimeoutMs?: number;
  /** How long bundles stay in use after the API denied them. Default 2000; sane to 5000. Not 0: a restarting agent denies everybody. */
  readonly withdrawGraceMs?: number;
  /** Waits between attempts. Default {@link createExponentialBackoff}. */
  readonly backoff?: Backoff;
  /** Time for waits and deadlines, for tests. Default: the system's. */
  readonly clock?: Clock;
  /** Lets the process end although the source is open. Default `false`. */
  readonly unref?: boolean;
}

/** What a subscriber of a bundle source is told. */
export type WorkloadApiBundleEvent<Bundles> =
  | { readonly type: 'update'; readonly bundles: Bundles }
  /** Nobody is trusted any more: the API denied the bundles for longer than the grace. Another `update` may follow. */
  | { readonly type: 'withdrawn'; readonly error: SpiffeTlsError }
  /** Something was refused or is unreachable; the last good bundles stay in use. */
  | { readonly type: 'error'; readonly error: SpiffeTlsError };

/** Which bundles: the call that streams them, and how a message is read. */
export interface BundleKind<Message, Bundles> extends Pick<StreamWatchOptions<Message>, 'method' | 'open'> {
  /** Names them in errors: `jwt bundles`. */
  readonly area: string;
  /** @throws {SpiffeTlsError} when the message can't be used. */
  parse(message: Message): Bundles;
}

/** What is held, or why nothing is. */
export type BundleState<Bundles> =
  | { readonly type: 'ready'; readonly bundles: Bundles }
  /** No bundles, and `error` says why. */
  | { readonly type: 'empty'; readonly error: SpiffeTlsError }
  | { readonly type: 'closed'; readonly error: SpiffeTlsError };

/** The stream, what it brought, and who wants to know. */
export class WorkloadApiBundleStream<Message, Bundles extends { equals(other: Bundles): boolean }> {
  readonly #kind: BundleKind<Message, Bundles>;
  readonly #graceMs: number;
  readonly #clock: Clock;
  readonly #watch: StreamWatch;
  readonly #ready = createDeferred<Bundles>();
  readonly #listeners = new Set<{ readonly call: (event: WorkloadApiBundleEvent<Bundles>) => void }>();
  readonly #cancelDeadline: () => void;
  #cancelGrace: (() => void) | undefined;
  #state: BundleState<Bundles>;
  #lastError: SpiffeTlsError | undefined;

  /** @throws {SpiffeTlsError} `INVALID_ENDPOINT` when the address is missing or not valid. */
  constructor(kind: BundleKind<Message, Bundles>, options: WorkloadApiBundleSourceOptions) {
    const endpoint = resolveWorkloadEndpoint(options);
    const unref = options.unref === true;
    this.#kind = kind;
    this.#graceMs = options.withdrawGraceMs ?? WITHDRAW_GRACE_MS;
    this.#clock = options.clock ?? createSystemClock({ unref });
    this.#state = { type: 'empty', error: new SpiffeTlsError('SOURCE_NOT_READY', `${kind.area}: none received yet`) };
    this.#watch = createStreamWatch<Message>({
      method: kind.method,
      connect: () => createWorkloadApiClient(endpoint, { unref }),
      open: kind.open,
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

  get ready(): Promise<Bundles> {
    return this.#ready.promise;
  }

  get state(): BundleState<Bundles> {
    return this.#state;
  }

  /** The last failure, until the next good message. */
  get lastError(): SpiffeTlsError | undefined {
    return this.#lastError;
  }

  subscribe(listener: (event: WorkloadApiBundleEvent<Bundles>) => void): () => void {
    const entry = { call: listener };
    this.#listeners.add(entry);
    return () => void this.#listeners.delete(entry);
  }

  close(): void {
    const cause = this.#lastError;
    const details = cause === undefined ? {} : { cause };
    this.#end(new SpiffeTlsError('SOURCE_CLOSED', `${this.#kind.area}: closed`, details));
  }

  #accept(message: Message): boolean {
    let bundles: Bundles;
    try {
      bundles = this.#kind.parse(message);
    } catch (cause) {
      this.#report(cause instanceof SpiffeTlsError ? cause : unusable(cause));
      return false;
    }
    this.#stopGrace();
    this.#lastError = undefined;
    // What a reconnect brings again is no change.
    if (this.#state.type === 'ready' && this.#state.bundles.equals(bundles)) return true;
    this.#state = { type: 'ready', bundles };
    this.#cancelDeadline();
    this.#ready.resolve(bundles);
    this.#emit({ type: 'update', bundles });
    return true;
  }

  #onFailure({ kind, error }: WorkloadApiFailure): void {
    if (kind === 'fatal') {
      this.#cancelDeadline();
      this.#ready.reject(error);
      if (this.#state.type === 'empty') this.#state = { type: 'empty', error };
    }
    if (kind === 'denied' && this.#state.type === 'ready') {
      this.#cancelGrace ??= this.#clock.schedule(this.#graceMs, () => this.#withdraw(error));
    }
    this.#report(error);
  }

  /** ZERO TRUST: whoever may not have the bundles any more must not go on verifying with old ones. */
  #withdraw(cause: SpiffeTlsError): void {
    const message = `${this.#kind.area}: the Workload API denies them; they are used again once it gives them`;
    const error = new SpiffeTlsError('IDENTITY_WITHDRAWN', message, { cause });
    this.#stopGrace();
    this.#state = { type: 'empty', error };
    this.#emit({ type: 'withdrawn', error });
  }

  #stopGrace(): void {
    this.#cancelGrace?.();
    this.#cancelGrace = undefined;
  }

  #onDeadline(timeoutMs: number): void {
    const cause = this.#lastError;
    const said = cause === undefined ? 'the Workload API has not answered' : cause.message;
    const message = `${this.#kind.area}: none within ${timeoutMs} ms; ${said}`;
    this.#end(new SpiffeTlsError('SOURCE_TIMEOUT', message, cause === undefined ? {} : { cause }));
  }

  /** The same failure again and again, as while an agent is down, is told once. */
  #report(error: SpiffeTlsError): void {
    const repeated = this.#lastError?.message === error.message;
    this.#lastError = error;
    if (!repeated) this.#emit({ type: 'error', error });
  }

  #end(error: SpiffeTlsError): void {
    if (this.#state.type === 'closed') return;
    this.#watch.close();
    this.#stopGrace();
    this.#cancelDeadline();
    this.#state = { type: 'closed', error };
    this.#lastError = error;
    this.#ready.reject(error);
    this.#listeners.clear();
  }

  #emit(event: WorkloadApiBundleEvent<Bundles>): void {
    for (const listener of [...this.#listeners]) {
      if (this.#listeners.has(listener)) callSafely(() => listener.call(event));
    }
  }
}

function unusable(cause: unknown): SpiffeTlsError {
  const message = cause instanceof Error ? cause.message : String(cause);
  return new SpiffeTlsError('WORKLOAD_API', `workload api: message could not be used: ${message}`, { cause });
}
