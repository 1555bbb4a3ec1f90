/**
 * Time as a parameter: what waits takes a {@link Clock}, so that tests move time by hand instead of sleeping.
 */

/** The present, and calling back later. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls back once, after `delayMs`. Returns how to cancel; cancelling twice is harmless. */
  schedule(delayMs: number, callback: () => void): () => void;
}

/** The longest wait that `setTimeout` does not turn into 1 ms. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * The system's clock. With `unref`, a pending callback does not keep the process alive.
 * @example
 * const clock = createSystemClock({ unref: true });
 */
export function createSystemClock(options: { readonly unref?: boolean } = {}): Clock {
  return {
    now: Date.now,
    schedule(delayMs, callback) {
      const timer = setTimeout(callback, Math.min(delayMs, MAX_TIMER_MS));
      if (options.unref) timer.unref();
      return () => clearTimeout(timer);
    },
  };
}
