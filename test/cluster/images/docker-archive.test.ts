/** The maker of images: the same bytes for the same files, whatever times, owners and umask the machine has. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { programImage } from './definitions.ts';
import { writeDockerArchive } from './docker-archive.ts';
import { createImageTree } from './image-tree.ts';
import { addProgram, sharedLibrariesOf } from './shared-libraries.ts';

const work = mkdtempSync(join(tmpdir(), 'countersign-archive-'));
after(() => rmSync(work, { recursive: true, force: true }));

/** A folder with the same content each time, made at another time and with other modes. */
function folder(name: string, time: number, mode: number): string {
  const path = join(work, name);
  mkdirSync(join(path, 'inside'), { recursive: true });
  writeFileSync(join(path, 'inside', 'file'), 'content\n');
  chmodSync(join(path, 'inside', 'file'), mode);
  symlinkSync('.', join(path, 'inside', 'again'));
  utimesSync(join(path, 'inside', 'file'), time, time);
  return path;
}

async function archiveOf(from: string): Promise<string> {
  const tree = createImageTree();
  tree.folder('/data', from);
  tree.text('/etc/text', 'text\n');
  tree.directory('/tmp', 0o1777);
  const file = `${from}.tar`;
  await writeDockerArchive({ ref: 'localhost/test/it:1', tree, config: { Entrypoint: ['/x'], User: '1:1' } }, file);
  return file;
}

test('the same files make the same archive, and another file another one', async () => {
  const first = await archiveOf(folder('first', 1, 0o600));
  const second = await archiveOf(folder('second', 2_000_000, 0o664));
  assert.ok(readFileSync(first).equals(readFileSync(second)));
  const third = folder('third', 1, 0o600);
  writeFileSync(join(third, 'inside', 'file'), 'other\n');
  assert.ok(!readFileSync(first).equals(readFileSync(await archiveOf(third))));
});

test('a layer has folders before what is in them, links as links, and readable files of root', async () => {
  const archive = await archiveOf(folder('listed', 1, 0o600));
  const [
    {
      Layers: [layer = ''],
    },
  ]: [{ Layers: string[] }] = JSON.parse(tar('-xOf', archive, 'manifest.json'));
  const layerFile = join(work, 'layer.tar');
  writeFileSync(layerFile, execFileSync('tar', ['-xOf', archive, layer]));
  const lines = tar('--utc', '--numeric-owner', '-tvf', layerFile).trimEnd().split('\n');
  assert.deepEqual(
    lines.map((line) => line.replace(/\s+/g, ' ')),
    [
      'drwxr-xr-x 0/0 0 1970-01-01 00:00 data/',
      'drwxr-xr-x 0/0 0 1970-01-01 00:00 data/inside/',
      'lrwxrwxrwx 0/0 0 1970-01-01 00:00 data/inside/again -> .',
      '-rw-r--r-- 0/0 8 1970-01-01 00:00 data/inside/file',
      'drwxr-xr-x 0/0 0 1970-01-01 00:00 etc/',
      '-rw-r--r-- 0/0 5 1970-01-01 00:00 etc/text',
      'drwxrwxrwt 0/0 0 1970-01-01 00:00 tmp/',
    ],
  );
});

test('a program brings the libraries that it is linked to, and a script none', () => {
  const tree = createImageTree();
  addProgram(tree, '/program', process.execPath);
  const names = tree.entries().map(([path]) => path);
  assert.ok(
    names.some((name) => /\/libc\.so\.6$/.test(name)),
    names.join(' '),
  );
  assert.ok(
    names.some((name) => /\/ld-linux-[^/]+$/.test(name)),
    names.join(' '),
  );
  const script = join(work, 'script');
  writeFileSync(script, '#!/bin/sh\n');
  assert.deepEqual(sharedLibrariesOf(script), []);
});

test('what can not be made is refused', () => {
  assert.throws(() => programImage('nobody', ''), /there is none called "nobody"/);
  assert.throws(() => programImage('pause', work), /pause is not on PATH/);
  assert.throws(() => createImageTree().text('relative', ''), /is absolute, got "relative"/);
});

function tar(...args: string[]): string {
  return execFileSync('tar', args, { encoding: 'utf8' });
}
