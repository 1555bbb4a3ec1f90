/**
 * How long to wait before the Workload API is asked again. Full jitter, because a restarted agent is otherwise met by
 * every workload of the node at the same instant.
 */

/** Why the last attempt failed: the agent is not there, or it is and has no identity for this workload. */
export type RetryReason = 'unavailable' | 'denied';

/** Counts attempts and says how long to wait. One instance serves one stream. */
export interface Backoff {
  /** Milliseconds to wait before the next attempt. */
  next(reason: RetryReason): number;
  /** Called after a stream that was of use: the next failure is a first one. */
  reset(): void;
}

/** Tuning of {@link createExponentialBackoff}. */
export interface ExponentialBackoffOptions {
  /** Upper end of the first wait. Default 250; sane from 50 to 5000. */
  readonly initialMs?: number;
  /** No wait is longer. Default 15 000; sane from 1000 to 120 000. */
  readonly maxMs?: number;
  /** No wait after PermissionDenied is shorter: it costs the agent an attestation each time. Default 1000. */
  readonly deniedFloorMs?: number;
  /**
   * No wait after PermissionDenied is longer, because somebody is likely to be waiting for the registration that was
   * just made. Default 5000.
   */
  readonly deniedMaxMs?: number;
  /** From 0 (inclusive) to 1 (exclusive). Default `Math.random`. */
  readonly random?: () => number;
}

/**
 * Exponential backoff with full jitter: a wait is drawn from 0 to `initialMs * 2^attempt`, at most `maxMs`; after
 * PermissionDenied the floor is added.
 * @throws {TypeError} when a number is negative or not finite.
 * @example
 * createWorkloadApiX509Source({ env: process.env, backoff: createExponentialBackoff({ maxMs: 5000 }) });
 */
export function createExponentialBackoff(options: ExponentialBackoffOptions = {}): Backoff {
  const { initialMs = 250, maxMs = 15_000, deniedFloorMs = 1000, deniedMaxMs = 5000, random = Math.random } = options;
  for (const [name, value] of Object.entries({ initialMs, maxMs, deniedFloorMs, deniedMaxMs })) {
    if (!Number.isFinite(value) || value < 0)
      throw new TypeError(`backoff: ${name} must be a number >= 0, got ${value}`);
  }
  let attempt = 0;
  return {
    next(reason) {
      // The exponent is bounded so that the product stays finite however long an agent is away.
      const ceiling = Math.min(maxMs, initialMs * 2 ** Math.min(attempt, 30));
      attempt += 1;
      if (reason === 'unavailable') return random() * ceiling;
      const spread = Math.max(0, Math.min(ceiling, deniedMaxMs - deniedFloorMs));
      return deniedFloorMs + random() * spread;
    },
    reset() {
      attempt = 0;
    },
  };
}
