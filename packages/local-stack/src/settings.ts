/**
 * What the programs of this package read from the environment.
 */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LocalStackError } from './errors.ts';
import type { SpireOptions } from './spire/provider.ts';

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

/**
 * Whether there is a console: `COUNTERSIGN_CONSOLE`, on unless it says off.
 * @throws {LocalStackError} `SETTING_INVALID`
 */
export function consoleFromEnv(env: NodeJS.ProcessEnv): boolean {
  const text = env['COUNTERSIGN_CONSOLE'] || 'on';
  if (text === 'on' || text === 'off') return text === 'on';
  throw new LocalStackError(
    'SETTING_INVALID',
    `COUNTERSIGN_CONSOLE: must be "on" or "off", got ${JSON.stringify(text.slice(0, 40))}`,
  );
}

/**
 * SPIRE, if that is what `COUNTERSIGN_IDENTITY_PROVIDER` says; undefined means the development trust domain.
 * `COUNTERSIGN_SPIRE_SERVER` and `COUNTERSIGN_SPIRE_AGENT` are its programs, by default those on PATH.
 * @throws {LocalStackError} `SETTING_INVALID`
 */
export function spireFromEnv(env: NodeJS.ProcessEnv): SpireOptions | undefined {
  const provider = env['COUNTERSIGN_IDENTITY_PROVIDER'] || 'embedded';
  if (provider === 'embedded') return undefined;
  if (provider !== 'spire')
    throw new LocalStackError(
      'SETTING_INVALID',
      `COUNTERSIGN_IDENTITY_PROVIDER: must be "embedded" or "spire", got ${JSON.stringify(provider.slice(0, 40))}`,
    );
  return {
    server: env['COUNTERSIGN_SPIRE_SERVER'] || 'spire-server',
    agent: env['COUNTERSIGN_SPIRE_AGENT'] || 'spire-agent',
  };
}
