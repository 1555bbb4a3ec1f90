/**
 * An X.509 source fed by the Workload API: it owns the stream and reads its messages; state, deadline and subscribers are
 * those of every live source, in `source-lifecycle.ts`.
 */
import { type Backoff, createExponentialBackoff } from './backoff.ts';
import type { Clock } from './clock.ts';
import { SpiffeTlsError } from './errors.ts';
import type { X509SVIDResponse } from './gen/workload.ts';
import {
  checkLifecycleOptions,
  type LiveX509Source,
  type LiveX509SourceOptions,
  SourceLifecycle,
  sourceClock,
  type X509SourceHealth,
} from './source-lifecycle.ts';
import { createWorkloadApiClient } from './workload-api-client.ts';
import { createStreamWatch, type StreamWatch } from './workload-api-watch.ts';
import { resolveWorkloadEndpoint, type WorkloadEndpoint } from './workload-endpoint.ts';
import type { X509BundleSource } from './x509-bundle.ts';
import { checkOwnSvids, parseX509Response, type SvidPicker, selectSvid, type X509Material } from './x509-context.ts';
import type { X509Context, X509SourceEvent } from './x509-source.ts';
import type { SourceInput } from './x509-source-state.ts';

/** Options of {@link createWorkloadApiX509Source}. */
export interface WorkloadApiX509SourceOptions extends LiveX509SourceOptions {
  /** The Workload API's address. Default: `SPIFFE_ENDPOINT_SOCKET` of `env`. */
  readonly endpoint?: string;
  /** The environment to read the address from, usually `process.env`. Unused when `endpoint` is given. */
  readonly env?: Readonly<Record<string, string | undefined>>;
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
  /** From 0 to 1, for jitter. Default `Math.random`. Unused when `backoff` is given. */
  readonly random?: () => number;
}

/** What `health()` of a {@link WorkloadApiX509Source} reports. */
export type WorkloadApiSourceHealth = X509SourceHealth;

/** A live source on the Workload API. One serves a whole process: each opens a stream of its own. */
export type WorkloadApiX509Source = LiveX509Source;

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

function checkOptions(options: WorkloadApiX509SourceOptions): void {
  const { hint, picker, withdrawGraceMs = 0 } = options;
  if (hint !== undefined && picker !== undefined) throw new TypeError('x509 source: pass hint or picker, not both');
  if (hint === '') throw new TypeError('x509 source: hint must not be empty; leave it out for the default identity');
  checkLifecycleOptions(options);
  if (!(withdrawGraceMs >= 0)) throw new TypeError(`x509 source: withdrawGraceMs must be >= 0, got ${withdrawGraceMs}`);
}

class LiveSource implements WorkloadApiX509Source {
  readonly #options: WorkloadApiX509SourceOptions;
  readonly #clock: Clock;
  readonly #lifecycle: SourceLifecycle;
  readonly #watch: StreamWatch;

  constructor(endpoint: WorkloadEndpoint, options: WorkloadApiX509SourceOptions) {
    this.#options = options;
    this.#clock = sourceClock(options);
    this.#lifecycle = new SourceLifecycle(this.#clock, {
      ...options,
      silence: 'the Workload API has not answered',
      onClose: () => this.#watch.close(),
    });
    this.#watch = this.#startWatch(endpoint);
    this.#lifecycle.obeySignal();
  }

  current(): X509Context {
    return this.#lifecycle.current();
  }

  subscribe(listener: (event: X509SourceEvent) => void): () => void {
    return this.#lifecycle.subscribe(listener);
  }

  ready(): Promise<X509Context> {
    return this.#lifecycle.ready;
  }

  health(): X509SourceHealth {
    const watch = this.#watch.state();
    return this.#lifecycle.health({
      connected: watch.type === 'open',
      ...(watch.type === 'pausing' && { nextAttemptMs: watch.untilMs }),
    });
  }

  close(): void {
    this.#lifecycle.close();
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
      onFailure: (failure) => this.#lifecycle.apply({ type: 'failure', failure }),
      backoff: backoff ?? createExponentialBackoff(random === undefined ? {} : { random }),
      clock: this.#clock,
    });
  }

  #accept(message: X509SVIDResponse): boolean {
    const input = this.#read(message);
    this.#lifecycle.apply(input);
    return input.type === 'context';
  }

  #read(message: X509SVIDResponse): SourceInput {
    let material: X509Material;
    try {
      material = parseX509Response(message, this.#bundlesInUse());
      this.#checkOwn(material);
    } catch (cause) {
      return { type: 'bad-message', error: asSourceError(cause) };
    }
    try {
      const { svids, bundles, crls } = material;
      return {
        type: 'context',
        context: Object.freeze({
          svid: selectSvid(material.svids, this.#options),
          svids,
          bundles,
          ...(crls && { crls: Object.freeze(crls) }),
        }),
      };
    } catch (cause) {
      const error = asSourceError(cause);
      return { type: error.code === 'NO_SVID_FOR_HINT' ? 'no-identity' : 'bad-message', error };
    }
  }

  #bundlesInUse(): X509BundleSource | undefined {
    const { state } = this.#lifecycle;
    return 'context' in state ? state.context?.bundles : undefined;
  }

  #checkOwn(material: X509Material): void {
    const mode = this.#options.ownSvidChecks ?? 'reject';
    if (mode === 'off') return;
    try {
      checkOwnSvids(material, this.#clock.now());
    } catch (cause) {
      if (mode === 'reject') throw cause;
      this.#lifecycle.warn(asSourceError(cause));
    }
  }
}

/** What is thrown while a message is read is about the message: nothing else may end the stream's handler. */
function asSourceError(cause: unknown): SpiffeTlsError {
  if (cause instanceof SpiffeTlsError) return cause;
  const message = cause instanceof Error ? cause.message : String(cause);
  return new SpiffeTlsError('WORKLOAD_API', `workload api: message could not be used: ${message}`, { cause });
}
