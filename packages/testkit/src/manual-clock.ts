/**
 * A clock that tests move by hand.
 */
import type { Clock } from '@countersign/spiffe-tls';

/** A clock that stands still until it is told to go on. */
export interface ManualClock extends Clock {
  /** Moves time and calls back whatever falls due, in order. */
  advance(ms: number): void;
  /** The waits that are pending, in milliseconds from now, shortest first. */
  pending(): number[];
  /** Settles as soon as something waits for exactly this long. */
  waitedFor(ms: number): Promise<void>;
}

/** Makes a clock that shows `startMs`, by default the real present, because certificates are judged by it. */
export function createManualClock(startMs: number = Date.now()): ManualClock {
  const waits = new Set<{ readonly atMs: number; readonly callback: () => void }>();
  const observers = new Set<() => void>();
  let nowMs = startMs;

  const pending = () => [...waits].map(({ atMs }) => atMs - nowMs).sort((left, right) => left - right);
  return {
    now: () => nowMs,
    pending,
    schedule(delayMs, callback) {
      const wait = { atMs: nowMs + delayMs, callback };
      waits.add(wait);
      for (const observer of [...observers]) observer();
      return () => void waits.delete(wait);
    },
    advance(ms) {
      const endMs = nowMs + ms;
      for (let next = earliest(waits); next !== undefined && next.atMs <= endMs; next = earliest(waits)) {
        nowMs = next.atMs;
        waits.delete(next);
        next.callback();
      }
      nowMs = endMs;
    },
    waitedFor(ms) {
      return new Promise((resolve) => {
        const look = () => {
          if (!pending().includes(ms)) return;
          observers.delete(look);
          resolve();
        };
        observers.add(look);
        look();
      });
    },
  };
}

function earliest<Wait extends { readonly atMs: number }>(waits: Iterable<Wait>): Wait | undefined {
  return [...waits].sort((left, right) => left.atMs - right.atMs)[0];
}
