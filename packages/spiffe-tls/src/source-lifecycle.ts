/**
 * What every live X.509 source has in common, whatever feeds it: the state machine of `x509-source-state.ts`, the promise
 * of `ready()`, the deadline for the first identity, the grace of a denial, the abort signal, the subscribers.
 */
import { type Clock, createSystemClock } from './clock.ts';
import { createDeferred, type Deferred } from './deferred.ts';
import { SpiffeTlsError } from './errors.ts';
import { createSourceEvents } from './source-events.ts';
import type { X509Context, X509Source, X509SourceEvent } from './x509-source.ts';
import { type SourceEffect, type SourceInput, type SourceState, transition } from './x509-source-state.ts';

const INITIAL_TIMEOUT_MS = 30_000;
const WITHDRAW_GRACE_MS = 2000;

/** Options that every live source takes. */
export interface LiveX509SourceOptions {
  /** Closes the source when aborted, at any time. */
  readonly signal?: AbortSignal;
  /**
   * How long to wait for the first identity before `ready()` rejects and the source closes. Default 30 000; `Infinity`
   * waits for ever, for a service that may start before it is registered.
   */
  readonly initialTimeoutMs?: number;
  /**
   * What to do with a received SVID that has expired or has no path to its own bundle: `reject` it and keep the last good
   * state (default), accept it but report an `error` event (`warn`), or not look (`off`).
   */
  readonly ownSvidChecks?: 'reject' | 'warn' | 'off';
  /** The present in milliseconds since the epoch. Default `Date.now`. */
  readonly now?: () => number;
  /** Time for waits and deadlines, for tests. Default: the system's, with `now`. */
  readonly clock?: Clock;
  /**
   * Lets the process end although the source is open, for command-line programs. It is kept until the first identity has
   * come, or the wait for it has failed. Default `false`.
   */
  readonly unref?: boolean;
}

/** What {@link LiveX509Source.health} reports: fit for a readiness page and metrics. */
export interface X509SourceHealth {
  /** Where the source is in its life. */
  readonly status: SourceState['type'];
  /** Whether `current()` gives an identity, and one that has not expired. */
  readonly usable: boolean;
  /** Whether the producer can be reached: a stream to the Workload API is open, or the files could be read. */
  readonly connected: boolean;
  /** When the next attempt, or the next look at the files, is due; absent while a stream is open. */
  readonly nextAttemptMs?: number;
  /** Of the identity in use. */
  readonly spiffeId?: string;
  /** Of the SVID in use. */
  readonly serialNumber?: string;
  /** Until when the SVID in use is valid. */
  readonly notAfterMs?: number;
  /** When the last good message arrived, or the last good state of the files was read. */
  readonly updatedMs?: number;
  /** The last failure, until the next good message. */
  readonly lastError?: SpiffeTlsError;
  /** Messages accepted and discarded, and streams or reads that failed, since the start. */
  readonly counts: { readonly accepted: number; readonly discarded: number; readonly failures: number };
}

/** A source that follows its producer until it is closed. One serves a whole process. */
export interface LiveX509Source extends X509Source, AsyncDisposable {
  /**
   * The first identity. Settles once; later changes come by `subscribe`.
   * @throws {SpiffeTlsError} `SOURCE_TIMEOUT`, `SOURCE_CLOSED` or, when trying again can't help, the producer's own error.
   * `cause` is the last thing that went wrong.
   */
  ready(): Promise<X509Context>;
  /** How the source is, for readiness checks and logs. Never throws. */
  health(): X509SourceHealth;
  /** Ends all watching, waits and timers; `current()` and `ready()` fail from now on. Idempotent. */
  close(): void;
}

/** What a lifecycle needs beside the options of its source. */
export interface SourceLifecycleOptions extends LiveX509SourceOptions {
  readonly withdrawGraceMs?: number;
  /** Said where nothing has gone wrong and nothing has come: `the Workload API has not answered`. */
  readonly silence: string;
  /** Stops the producer. */
  readonly onClose: () => void;
}

/**
 * Checks {@link LiveX509SourceOptions} of callers without types.
 * @throws {TypeError} when one is of no use.
 */
export function checkLifecycleOptions({ initialTimeoutMs = 0 }: LiveX509SourceOptions): void {
  if (!(initialTimeoutMs >= 0))
    throw new TypeError(`x509 source: initialTimeoutMs must be >= 0, got ${initialTimeoutMs}`);
}

/** The clock that a source's options ask for. */
export function sourceClock({ clock, now, unref }: LiveX509SourceOptions): Clock {
  if (clock !== undefined) return clock;
  const system = createSystemClock({ unref: unref === true });
  return now === undefined ? system : { ...system, now };
}

/** The shared half of a live source; the other half feeds it by `apply`. */
export class SourceLifecycle {
  readonly #options: SourceLifecycleOptions;
  readonly #clock: Clock;
  readonly #events = createSourceEvents();
  readonly #ready = createDeferred<X509Context>();
  readonly #counts = { accepted: 0, discarded: 0, failures: 0 };
  readonly #cancelDeadline: () => void;
  readonly #onAbort = () =>
    this.#shutDown(this.#interrupted('SOURCE_CLOSED', 'x509 source: aborted', this.#options.signal?.reason));
  #cancelGrace: () => void = () => {};
  #state: SourceState = { type: 'waiting' };
  #updatedMs: number | undefined;

  constructor(clock: Clock, options: SourceLifecycleOptions) {
    this.#options = options;
    this.#clock = clock;
    this.#cancelDeadline = this.#startDeadline(options.initialTimeoutMs ?? INITIAL_TIMEOUT_MS);
  }

  /** Obeys the abort signal from now on. Call it when the producer can be stopped. */
  obeySignal(): void {
    const { signal } = this.#options;
    if (signal?.aborted) this.#onAbort();
    else signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  get state(): SourceState {
    return this.#state;
  }

  get ready(): Promise<X509Context> {
    return this.#ready.promise;
  }

  readonly subscribe = (listener: (event: X509SourceEvent) => void): (() => void) => this.#events.subscribe(listener);

  current(): X509Context {
    const context = usableContext(this.#state);
    if (context !== undefined) return context;
    throw whyUnusable(this.#state);
  }

  health(producer: Pick<X509SourceHealth, 'connected' | 'nextAttemptMs'>): X509SourceHealth {
    const state = this.#state;
    const context = usableContext(state);
    const leaf = context?.svid.leaf;
    const lastError = this.#lastError();
    return {
      status: state.type,
      usable: leaf !== undefined && this.#clock.now() <= leaf.notAfterMs,
      ...producer,
      counts: { ...this.#counts },
      ...(context && { spiffeId: context.svid.id.toString() }),
      ...(leaf && { serialNumber: leaf.serialNumber, notAfterMs: leaf.notAfterMs }),
      ...(this.#updatedMs !== undefined && { updatedMs: this.#updatedMs }),
      ...(lastError && { lastError }),
    };
  }

  /** Counts what came and moves the state on. */
  apply(input: SourceInput): void {
    this.#count(input);
    const { state, effects } = transition(this.#state, input);
    this.#state = state;
    if (state.type === 'ready') this.#settle((ready) => ready.resolve(state.context));
    if (state.type === 'stopped') this.#settle((ready) => ready.reject(state.lastError));
    for (const effect of effects) this.#perform(effect);
  }

  /** Tells of something that does not change the state. */
  warn(error: SpiffeTlsError): void {
    this.#events.emit({ type: 'error', error });
  }

  close(): void {
    this.#shutDown(new SpiffeTlsError('SOURCE_CLOSED', 'x509 source: closed', withCause(this.#lastError())));
  }

  #count({ type }: SourceInput): void {
    if (type === 'context') {
      this.#counts.accepted += 1;
      this.#updatedMs = this.#clock.now();
    }
    if (type === 'bad-message' || type === 'no-identity') this.#counts.discarded += 1;
    if (type === 'failure') this.#counts.failures += 1;
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
    this.#cancelGrace = this.#clock.schedule(graceMs, () => this.apply({ type: 'grace-over' }));
  }

  #shutDown(error: SpiffeTlsError): void {
    if (this.#state.type === 'closed') return;
    this.#options.onClose();
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
    this.apply({ type: 'close', error });
    this.#settle((ready) => ready.reject(error));
    this.#events.clear();
  }

  #lastError(): SpiffeTlsError | undefined {
    return this.#state.type === 'closed' ? this.#state.error : this.#state.lastError;
  }

  /** Names the last thing that went wrong, because "timed out" alone sends people to look at the network. */
  #interrupted(code: 'SOURCE_TIMEOUT' | 'SOURCE_CLOSED', rule: string, reason?: unknown): SpiffeTlsError {
    const last = this.#lastError();
    const said = last === undefined ? this.#options.silence : last.message;
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
