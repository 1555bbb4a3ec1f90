/**
 * How often a property is tried, in one place. A run of `npm test` tries each a fixed number of times, so that it takes as
 * long each time; `COUNTERSIGN_PROPERTY_FACTOR=50 npm test -- FILE` looks harder. On failure fast-check prints seed and path.
 */

/** Parameters for `fc.assert` and `fc.sample`: `runs` tries, times the factor. */
export function propertyRuns(runs = 300): { readonly numRuns: number } {
  const factor = Number(process.env['COUNTERSIGN_PROPERTY_FACTOR'] ?? 1);
  if (!(factor > 0)) throw new TypeError(`COUNTERSIGN_PROPERTY_FACTOR must be above 0, got ${factor}`);
  return { numRuns: Math.max(1, Math.round(runs * factor)) };
}
