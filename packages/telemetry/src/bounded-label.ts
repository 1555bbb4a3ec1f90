/**
 * Keeps a metric's label to few values. Each new value is a time series in every process and every back end, for ever, so
 * one label that somebody outside can choose is enough to fill them.
 */

/** Stands for every value beyond the bound. */
export const OVERFLOW = 'other';
const DEFAULT_LIMIT = 100;

/** Makes a function that lets the first `limit` distinct values pass (default 100) and gives {@link OVERFLOW} for all others. */
export function createBoundedLabel(limit = DEFAULT_LIMIT): (value: string) => string {
  const seen = new Set<string>();
  return (value) => {
    if (seen.has(value)) return value;
    if (seen.size >= limit) return OVERFLOW;
    seen.add(value);
    return value;
  };
}
