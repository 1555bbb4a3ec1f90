/**
 * The definitions of SPIRE's custom resources, out of the sources of the very controller manager that reads them. Plain
 * JavaScript.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CLUSTER_TOOLS } from './cluster-tools-list.mjs';
import { checkGo } from './go-build.mjs';
import { inCopyOf } from './pins.mjs';
import { toolFolder } from './tool-cache.mjs';

const MODULE = 'spire-controller-manager';

/** @returns {string} a folder with one YAML file for each definition, and nothing else */
export function ensureCrds(say, env = process.env) {
  const { version } = CLUSTER_TOOLS[MODULE];
  const folder = toolFolder('spire-crds', version, env);
  if (existsSync(folder)) return folder;
  checkGo('spire-crds', { version }, env);
  say(`spire-crds ${version} are not there: taking them out of the sources of ${MODULE}`);
  const definitions = join(download(env), 'config', 'crd', 'bases');
  const fresh = `${folder}.${process.pid}.new`;
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { recursive: true });
  // Not copied as a folder: Go keeps what it downloaded read-only, and a cache must be easy to empty.
  for (const name of readdirSync(definitions)) writeFileSync(join(fresh, name), readFileSync(join(definitions, name)));
  renameSync(fresh, folder);
  return folder;
}

/** @returns {string} where the sources are, compared with the pinned hash */
function download(env) {
  const args = ['mod', 'download', '-json', `github.com/spiffe/${MODULE}`];
  const options = { encoding: 'utf8', env: { ...env, GOWORK: 'off' }, stdio: ['ignore', 'pipe', 'inherit'] };
  const { status, signal, stdout } = inCopyOf(MODULE, (cwd) => spawnSync('go', args, { ...options, cwd }));
  if (status !== 0) throw new Error(`spire-crds: go ${args.join(' ')} ended with ${status ?? signal}: ${stdout}`);
  return JSON.parse(stdout).Dir;
}
