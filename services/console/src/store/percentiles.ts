/** Durations of a window of time, of which the latest count, and their percentiles. */

/** The latest calls of an edge: beyond a few hundred a percentile hardly moves. */
const KEPT = 512;

export interface Percentiles {
  readonly p50Ms: number;
  readonly p95Ms: number;
}

/** A ring of durations with their times. */
export interface DurationWindow {
  add(atMs: number, durationMs: number): void;
  /** Of those that came after a time; undefined without any. */
  since(atMs: number): Percentiles | undefined;
}

export function createDurationWindow(): DurationWindow {
  const times = new Float64Array(KEPT);
  const durations = new Float64Array(KEPT);
  let next = 0;
  return {
    add(atMs, durationMs) {
      times[next % KEPT] = atMs;
      durations[next % KEPT] = durationMs;
      next += 1;
    },
    since: (atMs) => percentilesOf([...durations.subarray(0, next)].filter((_, index) => (times[index] ?? 0) > atMs)),
  };
}

/** By the nearest rank, so that each is a duration that was measured. */
export function percentilesOf(durations: readonly number[]): Percentiles | undefined {
  if (durations.length === 0) return undefined;
  const sorted = Float64Array.from(durations).sort();
  const rank = (share: number) => sorted[Math.ceil(share * sorted.length) - 1] ?? 0;
  return { p50Ms: rank(0.5), p95Ms: rank(0.95) };
}
