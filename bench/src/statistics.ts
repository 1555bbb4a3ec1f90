/**
 * The few numbers that a run is boiled down to. Small on purpose: a reader should be able to check them by hand.
 */

/** The middle value, or the mean of the two middle ones. */
export function median(values: readonly number[]): number {
  const sorted = ascending(values);
  const upper = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? at(sorted, upper) : (at(sorted, upper - 1) + at(sorted, upper)) / 2;
}

/** Nearest rank: the smallest value that at least this part (above 0, up to 1) of all values does not exceed. */
export function percentile(values: readonly number[], part: number): number {
  if (!(part > 0 && part <= 1)) throw new TypeError(`bench: a percentile is above 0 and up to 1, got ${part}`);
  const sorted = ascending(values);
  return at(sorted, Math.ceil(part * sorted.length) - 1);
}

/** A median with the extremes it lies between, so that a reader sees how far rounds differ. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

function spread(values: readonly number[]): Spread {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) };
}

/**
 * Ratios of figures taken in the same round. Rounds are minutes apart on a machine whose speed changes, so dividing two
 * medians would compare a good minute of the one with a bad minute of the other.
 */
export function pairedRatios(figures: readonly number[], baseline: readonly number[]): Spread {
  if (figures.length !== baseline.length) {
    throw new TypeError(
      `bench: ratios need as many figures as baselines, got ${figures.length} and ${baseline.length}`,
    );
  }
  return spread(figures.map((figure, round) => figure / at(baseline, round)));
}

function ascending(values: readonly number[]): number[] {
  return [...values].sort((left, right) => left - right);
}

function at(values: readonly number[], index: number): number {
  const value = values[index];
  if (value === undefined) throw new TypeError('bench: there is no statistic of no values');
  return value;
}
