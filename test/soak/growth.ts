/**
 * Does a figure grow? Samples are taken all along; the median of the last third is held against that of the second third,
 * because caches, pools and the compiler fill up in the first.
 */

/** A figure and how much more of it at the end is no growth: noise of the collector, calls that happen to be under way. */
export interface Bound {
  readonly name: string;
  readonly unit: string;
  readonly tolerance: (before: number) => number;
}

/** What became of a figure. */
export interface Growth {
  readonly name: string;
  readonly unit: string;
  readonly before: number;
  readonly after: number;
  readonly allowed: number;
  readonly grew: boolean;
}

/** Judges samples in the order in which they were taken. */
export function judge({ name, unit, tolerance }: Bound, samples: readonly number[]): Growth {
  if (samples.length < 6) throw new TypeError(`${name}: six samples at least, got ${samples.length}`);
  const third = Math.floor(samples.length / 3);
  const before = median(samples.slice(third, 2 * third));
  const after = median(samples.slice(-third));
  const allowed = before + tolerance(before);
  return { name, unit, before, after, allowed, grew: after > allowed };
}

/** The middle one. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
