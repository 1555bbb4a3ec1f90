/**
 * What the programs of this package read from the environment.
 */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LocalStackError } from './errors.ts';

/** Where the state is: `COUNTERSIGN_STATE_DIR`, else `.countersign` in the checkout, wherever the program was started. */
export function stateDirectoryFromEnv(env: NodeJS.ProcessEnv): string {
  const set = env['COUNTERSIGN_STATE_DIR'];
  return set === undefined || set === ''
    ? fileURLToPath(new URL('../../../.countersign', import.meta.url))
    : resolve(set);
}

/**
 * Life of an SVID in milliseconds: `COUNTERSIGN_SVID_TTL_SECONDS`; undefined leaves it to the trust domain.
 * @throws {LocalStackError} `SETTING_INVALID`
 */
export function svidTtlFromEnv(env: NodeJS.ProcessEnv): number | undefined {
  const text = env['COUNTERSIGN_SVID_TTL_SECONDS'];
  if (text === undefined || text === '') return undefined;
  const seconds = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
  if (seconds >= 10 && seconds <= 86_400) return seconds * 1_000;
  throw new LocalStackError(
    'SETTING_INVALID',
    `COUNTERSIGN_SVID_TTL_SECONDS: must be a number from 10 to 86400, got ${JSON.stringify(text.slice(0, 40))}`,
  );
}
