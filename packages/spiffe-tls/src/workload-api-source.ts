/**
 * An X.509 source fed by the Workload API: the edge around the pure state machine of `x509-source-state.ts`. It owns
 * the stream, the grace timer, the initial deadline and the promise of {@link WorkloadApiX509Source.ready}.
 */
import { type Backoff, createExponentialBackoff } from './backoff.ts';
import { type Clock, createSystemClock } from './clock.ts';
import { createDeferred, type Deferred } from './deferred.ts';
import { SpiffeTlsError } from './errors.ts';
import type { X509SVIDResponse } from './gen/workload.ts';
import { createSourceEvents } from './source-events.ts';
import { createWorkloadApiClient } from './workload-api-client.ts';
import { createStreamWatch, type StreamWatch } from './workload-api-watch.ts';
import { resolveWorkloadEndpoint, type WorkloadEndpoint } from './workload-endpoint.ts';
import { checkOwnSvids, parseX509Response, type SvidPicker, selectSvid, type X509Material } from './x509-context.ts';
import type { X509Context, X509Source, X509SourceEvent } from './x509-source.ts';
import { type SourceEffect, type SourceInput, type SourceState, transition } from './x509-source-state.ts';

const INITIAL_TIMEOUT_MS = 30_000;
const WITHDRAW_GRACE_MS = 2000;

/** Options of {@link createWorkloadApiX509Source}. */
export interface WorkloadApiX509SourceOptions {
  /** The Workload API's address. Default: `SPIFFE_ENDPOINT_SOCKET` of `env`. */
  readonly endpoint?: string;
  /** The environment to read the address from, usually `process.env`. Unused when `endpoint` is given. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Closes the source when aborted, at any time. */
  readonly signal?: AbortSignal;
  /**
   * How long to wait for the first identity before `ready()` rejects and the source closes. Default 30 000; `Infinity`
   * waits for ever, for a service that may start before it is registered.
   */
  readonly initialTimeoutMs?: number;
  /** Uses the SVID with this hint, and no other. Not together with `picker`. */
  readonly hint?: string;
  /** Chooses the SVID in use; must give the same answer whatever the order. Default: the first, as the standard says. */
  readonly picker?: SvidPicker;
  /** Waits between attempts. Default {@link createExponentialBackoff}. */
  readonly backoff?: Backoff;
  /**
   * How long the identity stays in use after the API denied it. Default 2000; sane from 0 to 5000. Not 0, because a
   * restarting SPIRE agent denies everybody until it has synchronized.
   */
  readonly withdrawGraceMs?: number;
  /**
   * What to do with a received SVID that has expired or has no path to its own bundle: `reject` the message and keep the
   * last good state (default), accept it but report an `error` event (`warn`), or not look (`off`).
   */
  readonly ownSvidChecks?: 'reject' | 'warn' | 'off';
  /** The present in milliseconds since the epoch. Default `Date.now`. */
  readonly now?: () => number;
  /** From 0 to 1, for jitter. Default `Math.random`. Unused when `backoff` is given. */
  readonly random?: () => number;
  /** Time for waits and deadlines, for tests. Default: the system's, with `now`. */
  readonly clock?: Clock;
  /**
   * Lets the process end although the source is open, for command-line programs. It is kept until the first identity has
   * come, or the wait for it has failed. Default `false`.
   */
  readonly unref?: boolean;
}

/** What {@link WorkloadApiX509Source.health} reports: fit for a readiness page and metrics. */
export interface WorkloadApiSourceHealth {
  readonly status: SourceState['type'];
  /** Whether `current()` gives an identity, and one that has not expired. */
  readonly usable: boolean;
  /** Whether a stream to the Workload API is open. */
  readonly connected: boolean;
  /** When the next attempt is due; absent while a stream is open. */
  readonly nextAttemptMs?: number;
  /** Of the identity in use. */
  readonly spiffeId?: string;
  readonly serialNumber?: string;
  readonly notAfterMs?: number;
  /** When the last good message arrived. */
  readonly updatedMs?: number;
  /** The last failure, until the next good message. */
  readonly lastError?: SpiffeTlsError;
  /** Messages accepted and discarded, and streams that ended, since the start. */
  readonly counts: { readonly accepted: number; readonly discarded: number; readonly failures: number };
}

/** A live source. One serves a whole process: each opens a stream of its own. */
export interface WorkloadApiX509Source extends X509Source, AsyncDisposable {
  /**
   * The first identity. Settles once; later changes come by `subscribe`.
   * @throws {SpiffeTlsError} `SOURCE_TIMEOUT`, `SOURCE_CLOSED` or, when asking again can't help, `WORKLOAD_API`. `cause` is
   * the last thing that the Workload API said.
   */
  ready(): Promise<X509Context>;
  health(): WorkloadApiSourceHealth;
  /** Ends the stream and all timers; `current()` and `ready()` fail from now on. Idempotent. */
  close(): void;
}

/**
 * Opens a source and begins to ask at once.
 * @throws {SpiffeTlsError} `INVALID_ENDPOINT` when the address is missing or not valid.
 * @throws {TypeError} when an option is of no use, for example `hint` together with `picker`.
 * @example
 * const source = createWorkloadApiX509Source({ endpoint: 'unix:///run/spire/sockets/agent.sock' });
 * const { svid } = await source.ready();
 */
export function createWorkloadApiX509Source(options: WorkloadApiX509SourceOptions = {}): WorkloadApiX509Source {
  checkOptions(options);
  return new LiveSource(resolveWorkloadEndpoint(options), options);
}

function checkOptions({ hint, picker, initialTimeoutMs = 0, withdrawGraceMs = 0 }: WorkloadApiX509SourceOptions): void {
  if (hint !== undefined && picker !== undefined) throw new TypeError('x509 source: pass hint or picker, not both');
  if (hint === '') throw new TypeError('x509 source: hint must not be empty; leave it out for the default identity');
  if (!(initialTimeoutMs >= 0))
    throw new TypeError(`x509 source: initialTimeoutMs must be >= 0, got ${initialTimeoutMs}`);
  if (!(withdrawGraceMs >= 0)) throw new TypeError(`x509 source: withdrawGraceMs must be >= 0, got ${withdrawGraceMs}`);
}

class LiveSource implements WorkloadApiX509Source {
  readonly #options: WorkloadApiX509SourceOptions;
  readonly #clock: Clock;
  readonly #events = createSourceEvents();
  readonly #watch: StreamWatch;
  readonly #ready = createDeferred<X509Context>();
  readonly #cancelDeadline: () => void;
  readonly #onAbort = () =>
    this.#shutDown(this.#interrupted('SOURCE_CLOSED', 'x509 source: aborted', this.#options.signal?.reason));
  readonly #counts = { accepted: 0, discarded: 0, failures: 0 };
  #cancelGrace: () => void = () => {};
  #state: SourceState = { type: 'waiting' };
  #updatedMs: number | undefined;

  constructor(endpoint: WorkloadEndpoint, options: WorkloadApiX509SourceOptions) {
    this.#options = options;
    this.#clock = options.clock ?? withNow(createSystemClock({ unref: options.unref === true }), options.now);
    this.#watch = this.#startWatch(endpoint);
    this.#cancelDeadline = this.#startDeadline(options.initialTimeoutMs ?? INITIAL_TIMEOUT_MS);
    if (options.signal?.aborted) this.#onAbort();
    else options.signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  current(): X509Context {
    const context = usableContext(this.#state);
    if (context !== undefined) return context;
    throw whyUnusable(this.#state);
  }

  subscribe(listener: (event: X509SourceEvent) => void): () => void {
    return this.#events.subscribe(listener);
  }

  ready(): Promise<X509Context> {
    return this.#ready.promise;
  }

  health(): WorkloadApiSourceHealth {
    const state = this.#state;
    const watch = this.#watch.state();
    const context = usableContext(state);
    const leaf = context?.svid.leaf;
    const lastError = state.type === 'closed' ? state.error : state.lastError;
    return {
      status: state.type,
      usable: leaf !== undefined && this.#clock.now() <= leaf.notAfterMs,
      connected: watch.type === 'open',
      counts: { ...this.#counts },
      ...(watch.type === 'pausing' && { nextAttemptMs: watch.untilMs }),
      ...(context && { spiffeId: context.svid.id.toString() }),
      ...(leaf && { serialNumber: leaf.serialNumber, notAfterMs: leaf.notAfterMs }),
      ...(this.#updatedMs !== undefined && { updatedMs: this.#updatedMs }),
      ...(lastError && { lastError }),
    };
  }

  close(): void {
    this.#shutDown(new SpiffeTlsError('SOURCE_CLOSED', 'x509 source: closed', withCause(this.#lastError())));
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }

  #startWatch(endpoint: WorkloadEndpoint): StreamWatch {
    const { backoff, random, unref = false } = this.#options;
    return createStreamWatch<X509SVIDResponse>({
      method: 'FetchX509SVID',
      connect: () => createWorkloadApiClient(endpoint, { unref }),
      open: (client) => client.fetchX509Svid({}),
      onMessage: (message) => this.#accept(message),
      onFailure: (failure) => {
        this.#counts.failures += 1;
        this.#apply({ type: 'failure', failure });
      },
      backoff: backoff ?? createExponentialBackoff(random === undefined ? {} : { random }),
      clock: this.#clock,
    });
  }

  #startDeadline(timeoutMs: number): () => void {
    const release = this.#options.unref ? holdProcess() : () => {};
    if (timeoutMs === Number.POSITIVE_INFINITY) return release;
    const rule = `x509 source: no identity within ${timeoutMs} ms`;
    const cancel = this.#clock.schedule(timeoutMs, () => this.#shutDown(this.#interrupted('SOURCE_TIMEOUT', rule)));
    return () => {
      release();
      cancel();
    };
  }

  #accept(message: X509SVIDResponse): boolean {
    const input = this.#read(message);
    if (input.type === 'context') {
      this.#counts.accepted += 1;
      this.#updatedMs = this.#clock.now();
    } else {
      this.#counts.discarded += 1;
    }
    this.#apply(input);
    return input.type === 'context';
  }

  #read(message: X509SVIDResponse): SourceInput {
    let material: X509Material;
    try {
      material = parseX509Response(message);
      this.#checkOwn(material);
    } catch (cause) {
      return { type: 'bad-message', error: asSourceError(cause) };
    }
    try {
      const { svids, bundles } = material;
      return {
        type: 'context',
        context: Object.freeze({ svid: selectSvid(material.svids, this.#options), svids, bundles }),
      };
    } catch (cause) {
      const error = asSourceError(cause);
      return { type: error.code === 'NO_SVID_FOR_HINT' ? 'no-identity' : 'bad-message', error };
    }
  }

  #checkOwn(material: X509Material): void {
    const mode = this.#options.ownSvidChecks ?? 'reject';
    if (mode === 'off') return;
    try {
      checkOwnSvids(material, this.#clock.now());
    } catch (cause) {
      if (mode === 'reject') throw cause;
      this.#events.emit({ type: 'error', error: asSourceError(cause) });
    }
  }

  #apply(input: SourceInput): void {
    const { state, effects } = transition(this.#state, input);
    this.#state = state;
    if (state.type === 'ready') this.#settle((ready) => ready.resolve(state.context));
    if (state.type === 'stopped') this.#settle((ready) => ready.reject(state.lastError));
    for (const effect of effects) this.#perform(effect);
  }

  /** Settling again is without effect, so the first outcome stands. */
  #settle(settle: (ready: Deferred<X509Context>) => void): void {
    this.#cancelDeadline();
    settle(this.#ready);
  }

  #perform(effect: SourceEffect): void {
    if (effect.type === 'emit') {
      this.#events.emit(effect.event);
      return;
    }
    this.#cancelGrace();
    if (effect.type === 'cancel-grace') return;
    const graceMs = this.#options.withdrawGraceMs ?? WITHDRAW_GRACE_MS;
    this.#cancelGrace = this.#clock.schedule(graceMs, () => this.#apply({ type: 'grace-over' }));
  }

  #shutDown(error: SpiffeTlsError): void {
    if (this.#state.type === 'closed') return;
    this.#watch.close();
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
    this.#apply({ type: 'close', error });
    this.#settle((ready) => ready.reject(error));
    this.#events.clear();
  }

  #lastError(): SpiffeTlsError | undefined {
    return this.#state.type === 'closed' ? this.#state.error : this.#state.lastError;
  }

  /** Names the last thing that the Workload API said, because "timed out" alone sends people to look at the network. */
  #interrupted(code: 'SOURCE_TIMEOUT' | 'SOURCE_CLOSED', rule: string, reason?: unknown): SpiffeTlsError {
    const last = this.#lastError();
    const said = last === undefined ? 'the Workload API has not answered' : last.message;
    return new SpiffeTlsError(code, `${rule}; ${said}`, withCause(last ?? reason));
  }
}

/** Nothing else of an unreferenced source keeps the process: `await source.ready()` would end it in the middle. */
function holdProcess(): () => void {
  const timer = setInterval(() => {}, 60_000);
  return () => clearInterval(timer);
}

function usableContext(state: SourceState): X509Context | undefined {
  return state.type === 'ready' || state.type === 'denied' || state.type === 'stopped' ? state.context : undefined;
}

function whyUnusable(state: SourceState): SpiffeTlsError {
  if (state.type === 'withdrawn' || state.type === 'closed') return state.error;
  return new SpiffeTlsError('SOURCE_NOT_READY', 'x509 source: no identity yet', withCause(state.lastError));
}

function withCause(cause: unknown): { cause?: unknown } {
  return cause === undefined ? {} : { cause };
}

function withNow(clock: Clock, now: (() => number) | undefined): Clock {
  return now === undefined ? clock : { ...clock, now };
}

/** What is thrown while a message is read is about the message: nothing else may end the stream's handler. */
function asSourceError(cause: unknown): SpiffeTlsError {
  if (cause instanceof SpiffeTlsError) return cause;
  const message = cause instanceof Error ? cause.message : String(cause);
  return new SpiffeTlsError('WORKLOAD_API', `workload api: message could not be used: ${message}`, { cause });
}
