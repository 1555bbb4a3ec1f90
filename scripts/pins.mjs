/**
 * `test/peers/build`: exact versions of the programs that are built, and the sources of those that are ours.
 */
import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const pins = fileURLToPath(new URL('../test/peers/build/', import.meta.url));

/** @returns {string} of the module's files, their names and contents */
export function hashOfModule(module) {
  const files = readdirSync(join(pins, module), { recursive: true, withFileTypes: true }).filter((it) => it.isFile());
  const hash = createHash('sha256');
  for (const path of files.map(({ parentPath, name }) => join(parentPath, name)).sort())
    hash
      .update(`${path.slice(pins.length)}\0`)
      .update(readFileSync(path))
      .update('\0');
  return hash.digest('hex').slice(0, 12);
}

/** Runs `build` in a copy of a module, so that nothing can be written to the checkout. */
export function inCopyOf(module, build) {
  const work = mkdtempSync(join(tmpdir(), 'countersign-build-'));
  try {
    cpSync(join(pins, module), work, { recursive: true });
    build(work);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
