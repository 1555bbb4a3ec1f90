/**
 * What the Dockerfile builds on, made of Debian's packages and npm's Node where no registry of images can be reached. The
 * shapes are those of the real ones: a slim Debian with Node and npm, and a distroless folder with Node alone.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { unpackDebianPackages } from './debian-packages.ts';
import type { Image } from './docker-archive.ts';
import { createImageTree, type ImageTree } from './image-tree.ts';
import { ciReference } from './references.ts';

/** Debian's packages of the image that is run. */
const RUNTIME_PACKAGES = [
  'base-files',
  'ca-certificates',
  'gcc-12-base',
  'libc6',
  'libgcc-s1',
  'libstdc++6',
  'netbase',
  'tzdata',
] as const;
/** And of the one that is built in. */
const BUILD_PACKAGES = [
  ...RUNTIME_PACKAGES,
  'coreutils',
  'dash',
  'findutils',
  'libacl1',
  'libattr1',
  'libgmp10',
  'libpcre2-8-0',
  'libselinux1',
] as const;

/** What the bases are made of. */
export interface NodeBaseOptions {
  /** npm's package of Node for this processor, unpacked. */
  readonly node: string;
  /** npm's package of npm, unpacked. */
  readonly npm: string;
  /** Node's version: the tag, with the state of Debian's packages. */
  readonly version: string;
  /** Where Debian's packages are kept. */
  readonly cache: string;
}

/** In place of a slim Debian with Node: `npm` on PATH, a shell, the usual file tools. */
export function buildBase(options: NodeBaseOptions): Image {
  const { tree, state } = debian(BUILD_PACKAGES, options.cache);
  tree.file('/usr/local/bin/node', join(options.node, 'bin', 'node'), 0o755);
  tree.folder('/usr/local/lib/node_modules/npm', options.npm);
  for (const name of ['npm', 'npx'])
    tree.symlink(`/usr/local/bin/${name}`, `../lib/node_modules/npm/bin/${name}-cli.js`);
  addAccounts(tree, ['node:x:1000:1000::/home/node:/bin/sh']);
  tree.directory('/root', 0o700);
  return {
    ref: ciReference('node-build', tagOf(options, state)),
    tree,
    config: { Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'HOME=/root'], Cmd: ['node'] },
  };
}

/** In place of distroless Node: no account 1000, as there. */
export function runtimeBase(options: NodeBaseOptions): Image {
  const { tree, state } = debian(RUNTIME_PACKAGES, options.cache);
  tree.file('/nodejs/bin/node', join(options.node, 'bin', 'node'), 0o755);
  addAccounts(tree, ['nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin']);
  return {
    ref: ciReference('node-runtime', tagOf(options, state)),
    tree,
    config: {
      User: '65532',
      Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
      Entrypoint: ['/nodejs/bin/node'],
    },
  };
}

/** As in slim images. Licences stay. */
const DOCUMENTATION = /^usr\/share\/(man|info|lintian|locale|bug|menu|doc\/[^/]+\/(?!copyright$).*)(\/|$)/;

function debian(packages: readonly string[], cache: string): { tree: ImageTree; state: string } {
  const folder = unpackDebianPackages(packages, cache);
  const tree = createImageTree();
  tree.folder('/', folder, (path) => DOCUMENTATION.test(path));
  tree.text('/etc/ssl/certs/ca-certificates.crt', webRoots(join(folder, 'usr/share/ca-certificates/mozilla')));
  tree.directory('/tmp', 0o1777);
  return { tree, state: basename(folder) };
}

/** What the package's own script would make, and not what this machine has: that may trust more. */
function webRoots(folder: string): Buffer {
  return Buffer.concat(
    readdirSync(folder)
      .sort()
      .map((name) => readFileSync(join(folder, name))),
  );
}

function addAccounts(tree: ImageTree, accounts: readonly string[]): void {
  const lines = ['root:x:0:0:root:/root:/sbin/nologin', ...accounts, 'nobody:x:65534:65534:nobody:/:/sbin/nologin'];
  tree.text('/etc/passwd', `${lines.join('\n')}\n`);
  const groups = lines.map((line) => line.split(':')).map(([name, , , group]) => `${name}:x:${group}:`);
  tree.text('/etc/group', `${groups.join('\n')}\n`);
  tree.text('/etc/nsswitch.conf', 'hosts: files dns\n');
}

/** Another one for each other content: packages, npm, and how they are put together. */
function tagOf({ version, npm }: NodeBaseOptions, state: string): string {
  const recipe = ['node-bases.ts', 'image-tree.ts', 'docker-archive.ts'].map((file) =>
    readFileSync(new URL(file, import.meta.url)),
  );
  const hash = createHash('sha256').update(Buffer.concat(recipe)).update(basename(npm)).update(state).digest('hex');
  return `${version}-${hash.slice(0, 12)}`;
}
