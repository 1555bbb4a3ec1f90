/**
 * Definitions of custom resources, out of the sources of the very programs that read them: SPIRE's, and cert-manager's, which
 * `kind/examples` use. Plain JavaScript.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CLUSTER_TOOLS } from './cluster-tools-list.mjs';
import { checkGo } from './go-build.mjs';
import { inCopyOf } from './pins.mjs';
import { toolFolder } from './tool-cache.mjs';

/** By whose they are. `module` is the folder that pins its version. */
export const CRDS = {
  spire: {
    module: 'spire-controller-manager',
    version: CLUSTER_TOOLS['spire-controller-manager'].version,
    source: 'github.com/spiffe/spire-controller-manager',
    folder: join('config', 'crd', 'bases'),
  },
  'cert-manager': {
    module: 'cert-manager',
    version: '1.21.2',
    source: 'github.com/cert-manager/cert-manager',
    folder: join('deploy', 'crds'),
  },
};

/** @returns {string} a folder with one YAML file for each definition, and nothing else */
export function ensureCrds(say, env = process.env, owner = 'spire') {
  const name = `${owner}-crds`;
  const definitions = CRDS[owner];
  const folder = toolFolder(name, definitions.version, env);
  if (existsSync(folder)) return folder;
  checkGo(name, definitions, env);
  say(`${name} ${definitions.version} are not there: taking them out of the sources of ${definitions.module}`);
  const from = join(download(name, definitions, env), definitions.folder);
  const fresh = `${folder}.${process.pid}.new`;
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { recursive: true });
  // Not copied as a folder: Go keeps what it downloaded read-only, and a cache must be easy to empty.
  for (const file of readdirSync(from).filter((it) => it.endsWith('.yaml')))
    writeFileSync(join(fresh, file), readFileSync(join(from, file)));
  renameSync(fresh, folder);
  return folder;
}

/** @returns {string} where the sources are, compared with the pinned hash */
function download(name, { module, source }, env) {
  const args = ['mod', 'download', '-json', source];
  const options = { encoding: 'utf8', env: { ...env, GOWORK: 'off' }, stdio: ['ignore', 'pipe', 'inherit'] };
  const { status, signal, stdout } = inCopyOf(module, (cwd) => spawnSync('go', args, { ...options, cwd }));
  if (status !== 0) throw new Error(`${name}: go ${args.join(' ')} ended with ${status ?? signal}: ${stdout}`);
  return JSON.parse(stdout).Dir;
}
