import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmod, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { createDirectory, writeAtomically, writeInPlace } from '../test/file-producers.ts';
import { MAX_FILE_BYTES, readFileSet } from './file-set.ts';

const NAMES = ['a', 'b'];
const textOf = (contents: readonly (Buffer | undefined)[]) => contents.map((content) => content?.toString());

test('T26 all files are read through what ..data leads to, not through the visible names', async (t) => {
  const volume = await createDirectory(t);
  await writeAtomically(volume, { a: '1', b: '2' });
  await rm(join(volume, 'b'));
  await writeInPlace(join(volume, 'b'), 'from another state');
  const { contents, atomic } = await readFileSet(volume, NAMES);
  assert.deepEqual([textOf(contents), atomic], [['1', '2'], true]);
});

test('T26 plain files are never called atomic, nor is a set of which one directory has no ..data', async (t) => {
  const [volume, plain] = [await createDirectory(t), await createDirectory(t)];
  await writeAtomically(volume, { a: '1' });
  await writeInPlace(join(plain, 'b'), '2');
  assert.equal((await readFileSet(plain, ['b'])).atomic, false);
  assert.equal((await readFileSet(volume, ['a', join(plain, 'b')])).atomic, false);
});

test('T26 the hash tells contents apart, also where bytes move from one file to the next, and permissions', async (t) => {
  const directory = await createDirectory(t);
  const hashes = new Set<string>();
  for (const [a, b] of [
    ['1', '22'],
    ['12', '2'],
    ['', '122'],
    ['1', '23'],
  ] as const) {
    await writeInPlace(join(directory, 'a'), a);
    await writeInPlace(join(directory, 'b'), b);
    hashes.add((await readFileSet(directory, NAMES)).hash);
  }
  await chmod(join(directory, 'a'), 0o644);
  hashes.add((await readFileSet(directory, NAMES)).hash);
  await rm(join(directory, 'a'));
  hashes.add((await readFileSet(directory, NAMES)).hash);
  assert.equal(hashes.size, 6);
});

test('T26 a missing file is a fact of the set; a pipe, a long file and a broken volume are refused', async (t) => {
  const directory = await createDirectory(t);
  await writeInPlace(join(directory, 'a'), '1');
  assert.deepEqual(textOf((await readFileSet(directory, NAMES)).contents), ['1', undefined]);
  const refused = (got: string) => assert.rejects(readFileSet(directory, NAMES), { code: 'FILE_UNREADABLE', got });
  execFileSync('mkfifo', [join(directory, 'b')]);
  await refused('not a regular file');
  await rm(join(directory, 'b'));
  await writeInPlace(join(directory, 'b'), 'x'.repeat(MAX_FILE_BYTES + 1));
  await refused(`longer than ${MAX_FILE_BYTES} bytes`);
  await symlink('..data', join(directory, '..data'));
  await refused('ELOOP');
});
