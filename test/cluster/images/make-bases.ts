/**
 * `node test/cluster/images/make-bases.ts`: makes the bases of the Dockerfile in the cache folder, unless they are there, and
 * prints a line for each: the build argument that takes it, its name, its archive.
 */
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { toolFolder } from '../../../scripts/tool-cache.mjs';
import { type Image, writeDockerArchive } from './docker-archive.ts';
import { buildBase, type NodeBaseOptions, runtimeBase } from './node-bases.ts';
import { unpackNpmPackage } from './npm-packages.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const require = createRequire(import.meta.url);
const manifest: { packageManager: string; optionalDependencies: Readonly<Record<string, string>> } = require(
  join(root, 'package.json'),
);

/** Removed as a whole when the way they are made changes. */
const cache = toolFolder('image-bases', '1');

function options(): NodeBaseOptions {
  const name = `node-linux-${process.arch}`;
  const version = manifest.optionalDependencies[name];
  if (version === undefined) throw new Error(`image: package.json pins no Node for Linux on ${process.arch}`);
  const node = dirname(require.resolve(`${name}/package.json`));
  return { node, npm: unpackNpmPackage(manifest.packageManager, cache), version, cache };
}

async function make(argument: string, image: Image): Promise<void> {
  const archive = join(cache, `${image.ref.replaceAll(/[/:]/g, '_')}.tar`);
  if (!existsSync(archive)) {
    const fresh = `${archive}.${process.pid}.new`;
    await writeDockerArchive(image, fresh);
    renameSync(fresh, archive);
  }
  console.log(`${argument} ${image.ref} ${archive}`);
}

mkdirSync(cache, { recursive: true });
await make('NODE_IMAGE', buildBase(options()));
await make('RUNTIME_IMAGE', runtimeBase(options()));
