/**
 * `node test/cluster/images/make.ts <folder> [name...]`: writes the images that the node needs beside our services as
 * docker-archives, and `images.json`, which lists them. Programs are taken from PATH. Node 24.
 */
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { toolFolder } from '../../../scripts/tool-cache.mjs';
import { programImage, programNames } from './definitions.ts';
import { type Image, writeDockerArchive } from './docker-archive.ts';
import { jaegerStandInImage, packagedNode } from './jaeger-image.ts';
import { postgresImage } from './postgres-image.ts';

const require = createRequire(import.meta.url);
const searched = process.env['PATH'] ?? '';

/** How each is made, by its name: what is not asked for is not looked for. */
const images = new Map<string, () => Image>([
  ...programNames.map((name) => [name, () => programImage(name, searched)] as const),
  ['postgres', () => postgresImage(require, toolFolder('image-bases', '1'))],
  ['jaeger-stand-in', () => jaegerStandInImage(packagedNode(require.resolve))],
]);

async function make(folder: string, names: readonly string[]): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const made = [];
  for (const name of names) {
    const image = images.get(name)?.();
    if (image === undefined) throw new TypeError(`image: there is none called "${name}", but ${[...images.keys()]}`);
    const file = join(folder, `${name}.tar`);
    const bytes = await writeDockerArchive(image, file);
    console.log(`${image.ref}  ${(bytes / 1e6).toFixed(1)} MB`);
    made.push({ name, ref: image.ref, file, bytes, archive: statSync(file).size });
  }
  writeFileSync(join(folder, 'images.json'), `${JSON.stringify(made, undefined, 2)}\n`);
}

const [folder, ...names] = process.argv.slice(2);
if (folder === undefined) {
  console.error('usage: node test/cluster/images/make.ts <folder> [name...]');
  process.exit(2);
}
await make(resolve(folder), names.length === 0 ? [...images.keys()] : names);
