/**
 * What bringing up a cluster asks of the tools: all programs in one folder under their plain names, the definitions of
 * SPIRE's resources, and the machine's own packages. Plain JavaScript.
 */
import { accessSync, constants, mkdirSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import { ensureTool } from './peer-tools.mjs';

export { ensureCrds } from './cluster-tools-crds.mjs';
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
