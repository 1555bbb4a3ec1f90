/**
 * How much one message of the Workload API may hold. The API is trusted with private keys, but what it says is still read
 * within bounds: a message of 32 MiB could otherwise ask for minutes of work.
 */
import { refusal } from './errors.ts';

/** The most SVIDs in one message. */
export const MAX_SVIDS = 1000;
/** The most trust domains in one message, as in a bundle map. */
export const MAX_BUNDLES = 10_000;
/** The longest hint. */
export const MAX_HINT_BYTES = 1024;

/** @throws {SpiffeTlsError} `WORKLOAD_API` when there are too many SVIDs, or one has too long a hint. */
export function checkSvidBounds(svids: readonly { readonly hint: string }[]): void {
  if (svids.length > MAX_SVIDS) throw beyond(`at most ${MAX_SVIDS} svids`, `${svids.length}`);
  for (const { hint } of svids) {
    const bytes = Buffer.byteLength(hint);
    if (bytes > MAX_HINT_BYTES) throw beyond(`hints of at most ${MAX_HINT_BYTES} bytes`, `${bytes}`);
  }
}

/** @throws {SpiffeTlsError} `WORKLOAD_API` when there are too many bundles. */
export function checkBundleCount(count: number): void {
  if (count > MAX_BUNDLES) throw beyond(`at most ${MAX_BUNDLES} bundles`, `${count}`);
}

function beyond(bound: string, got: string): Error {
  return refusal('WORKLOAD_API', 'workload api', `message must have ${bound}`, got);
}
