/**
 * `test/peers/build` and `test/cluster/build`: exact versions of the programs that are built, and the sources of those that
 * are ours. A module's name stands in one of the two.
 */
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const homes = ['../test/peers/build/', '../test/cluster/build/'].map((path) =>
  fileURLToPath(new URL(path, import.meta.url)),
);

/** @returns {string} the module's folder. Throws when there is none. */
export function folderOfModule(module) {
  return join(homeOf(module), module);
}

/** @returns {string} of the module's files, their names and contents */
export function hashOfModule(module) {
  const home = homeOf(module);
  const files = readdirSync(join(home, module), { recursive: true, withFileTypes: true }).filter((it) => it.isFile());
  const hash = createHash('sha256');
  for (const path of files.map(({ parentPath, name }) => join(parentPath, name)).sort())
    hash
      .update(`${path.slice(home.length)}\0`)
      .update(readFileSync(path))
      .update('\0');
  return hash.digest('hex').slice(0, 12);
}

/** Runs `build` in a copy of a module, so that nothing can be written to the checkout. */
export function inCopyOf(module, build) {
  const work = mkdtempSync(join(tmpdir(), 'countersign-build-'));
  try {
    cpSync(folderOfModule(module), work, { recursive: true });
    return build(work);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function homeOf(module) {
  const home = homes.find((it) => existsSync(join(it, module)));
  if (home === undefined) throw new Error(`pins: no folder ${module} in ${homes.join(' or ')}`);
  return home;
}
