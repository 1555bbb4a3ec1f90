/**
 * The C library and its kin: a program that is linked to them takes them along from this machine, under the paths where its
 * loader looks.
 */
import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readSync } from 'node:fs';
import type { ImageTree } from './image-tree.ts';

const ELF = Buffer.from('\x7fELF', 'latin1');

/** Puts a program into an image, with what it is linked to. @param ownFolder libraries below it are in the image already */
export function addProgram(tree: ImageTree, path: string, from: string, ownFolder?: string): void {
  tree.file(path, from, 0o755);
  for (const library of sharedLibrariesOf(from)) {
    if (ownFolder === undefined || !library.startsWith(`${ownFolder}/`)) tree.file(library, library, 0o755);
  }
}

/** Absolute paths of libraries and loader; none for a static program. */
export function sharedLibrariesOf(program: string): string[] {
  if (!isElf(program)) return [];
  const { stdout, stderr, error } = spawnSync('ldd', [program], { encoding: 'utf8' });
  if (error !== undefined) throw new Error(`image: ldd can't be run: ${error.message}`);
  const lines = stdout.split('\n');
  const missing = lines.find((line) => line.includes('not found'));
  if (missing !== undefined) throw new Error(`image: a library of ${program} is not there: ${missing.trim()}`);
  const libraries = lines.flatMap((line) => /(\/\S+) \(0x/.exec(line)?.[1] ?? []);
  if (libraries.length === 0 && !/statically linked|not a dynamic executable/.test(`${stdout}${stderr}`))
    throw new Error(`image: ldd says nothing of ${program}: ${stderr.trim()}`);
  return libraries;
}

function isElf(path: string): boolean {
  const file = openSync(path, 'r');
  try {
    const start = Buffer.alloc(ELF.length);
    readSync(file, start, 0, ELF.length, 0);
    return start.equals(ELF);
  } finally {
    closeSync(file);
  }
}
