/** A whole number of 64 bits as a plain value. */

/** A number where it is exact, otherwise its decimal digits, as OTLP's JSON encoding has it. */
export function plainInteger(value: bigint): number | string {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value.toString();
}
