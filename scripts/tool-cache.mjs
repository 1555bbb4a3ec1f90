/**
 * Where tools are kept that are not on PATH: outside the checkout, keyed by version. Plain JavaScript.
 */
import { homedir } from 'node:os';
import { join } from 'node:path';

/** @returns {string} the folder of one tool in one version */
export function toolFolder(name, version, env = process.env) {
  return join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'countersign', 'tools', `${name}-${version}`);
}
