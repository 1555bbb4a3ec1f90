/**
 * What bringing up a cluster asks of the tools: all programs in one folder under their plain names, the definitions of
 * SPIRE's resources, and the machine's own packages. Plain JavaScript.
 */
import { spawnSync } from 'node:child_process';
import {
  accessSync,
  constants,
  cpSync,
  existsSync,
  mkdirSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import { CLUSTER_TOOLS } from './cluster-tools-list.mjs';
import { ensureTool } from './peer-tools.mjs';
import { inCopyOf } from './pins.mjs';
import { toolFolder } from './tool-cache.mjs';

export { ensureNodePackages } from './cluster-tools-debian.mjs';

/** Finds or builds each tool and leaves a link to it in `folder`, which may stand first on PATH. */
export function linkTools(names, folder, say, env = process.env) {
  mkdirSync(folder, { recursive: true });
  for (const name of names) {
    // Resolved before the old link goes: on PATH it may have been found by that very link.
    const program = realpathSync(absolutePath(ensureTool(name, say, env), env));
    rmSync(join(folder, name), { force: true });
    symlinkSync(program, join(folder, name));
  }
}

/** @returns {string} a folder with the custom resource definitions of spire-controller-manager's own version */
export function ensureCrds(say, env = process.env) {
  const { module, version } = CLUSTER_TOOLS['spire-controller-manager'];
  const folder = toolFolder('spire-crds', version, env);
  if (existsSync(folder)) return folder;
  say(`spire-crds ${version} are not there: taking them from the sources of ${module}`);
  const fresh = `${folder}.${process.pid}.new`;
  cpSync(join(sourcesOf(module, env), 'config', 'crd', 'bases'), fresh, { recursive: true });
  renameSync(fresh, folder);
  return folder;
}

/** As downloaded, and compared with the module's go.sum. */
function sourcesOf(module, env) {
  const args = ['mod', 'download', '-json', `github.com/spiffe/${module}`];
  const options = { encoding: 'utf8', env: { ...env, GOWORK: 'off' }, stdio: ['ignore', 'pipe', 'inherit'] };
  const { status, stdout, error } = inCopyOf(module, (cwd) => spawnSync('go', args, { ...options, cwd }));
  if (status !== 0) throw new Error(`spire-crds: go ${args.join(' ')} ended with ${error?.code ?? status}: ${stdout}`);
  return JSON.parse(stdout).Dir;
}

function absolutePath(program, env) {
  if (isAbsolute(program)) return program;
  const found = (env.PATH ?? '').split(delimiter).map((folder) => join(folder, program));
  return found.find(isExecutable) ?? program;
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
