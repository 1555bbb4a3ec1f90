/**
 * Writes an image of one layer as a docker-archive, the format of `docker save`: containerd, buildah, podman and Docker all
 * read it. No container tool is needed to write it, and the same content always gives the same bytes.
 */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type Header, type Pack, pack } from 'tar-stream';
import { contentOf, type ImageTree } from './image-tree.ts';

/** How containers of the image start, in the words of the OCI image specification. */
export interface ImageConfig {
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly User?: string;
  readonly Env?: readonly string[];
  readonly WorkingDir?: string;
}

/** An image to be written. */
export interface Image {
  /** Name and tag. */
  readonly ref: string;
  readonly tree: ImageTree;
  readonly config: ImageConfig;
}

/** Node's names of processors in Go's, which images have. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };
const EPOCH = new Date(0);

/** @returns how many bytes the unpacked files have */
export async function writeDockerArchive(image: Image, file: string): Promise<number> {
  const work = mkdtempSync(join(tmpdir(), 'countersign-image-'));
  try {
    const layer = join(work, 'layer.tar');
    await writeTar(layer, (tar) => addLayer(tar, image.tree));
    const diffId = await digestOf(layer);
    const config = Buffer.from(JSON.stringify(configOf(image, diffId)));
    const configName = `${createHash('sha256').update(config).digest('hex')}.json`;
    const layerName = `${diffId}/layer.tar`;
    const manifest = [{ Config: configName, RepoTags: [image.ref], Layers: [layerName] }];
    await writeTar(file, async (tar) => {
      await addContent(tar, { name: configName, mode: 0o644 }, config);
      await addFile(tar, { name: layerName, mode: 0o644 }, layer);
      await addContent(tar, { name: 'manifest.json', mode: 0o644 }, Buffer.from(JSON.stringify(manifest)));
    });
    return statSync(layer).size;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function configOf({ config }: Image, diffId: string): object {
  const architecture = ARCHITECTURES[process.arch];
  if (architecture === undefined) throw new Error(`image: no name for the processor ${process.arch}`);
  return {
    architecture,
    os: 'linux',
    created: EPOCH.toISOString(),
    config: { WorkingDir: '/', Env: ['PATH=/usr/local/bin:/usr/bin:/bin'], ...config },
    rootfs: { type: 'layers', diff_ids: [`sha256:${diffId}`] },
    history: [{ created: EPOCH.toISOString(), created_by: 'test/cluster/images/make.ts' }],
  };
}

async function addLayer(tar: Pack, tree: ImageTree): Promise<void> {
  for (const [path, entry] of tree.entries()) {
    const name = path.slice(1);
    if (entry.type === 'directory') await addContent(tar, { name: `${name}/`, type: 'directory', mode: entry.mode });
    else if (entry.type === 'symlink')
      await addContent(tar, { name, type: 'symlink', linkname: entry.target, mode: 0o777 });
    else if (entry.type === 'text') await addContent(tar, { name, mode: entry.mode }, contentOf(entry));
    else await addFile(tar, { name, mode: entry.mode }, entry.from);
  }
}

async function writeTar(file: string, fill: (tar: Pack) => Promise<void>): Promise<void> {
  const tar = pack();
  const written = pipeline(tar, createWriteStream(file));
  try {
    // A full disk ends the stream that `fill` waits for: whichever of the two fails first is what is thrown.
    await Promise.race([fill(tar), written]);
    tar.finalize();
    await written;
  } catch (error) {
    tar.destroy();
    throw error;
  }
}

type EntryHeader = Partial<Header> & Pick<Header, 'name'>;

/** Of nobody in particular, from no time in particular. */
const anonymous = { uid: 0, gid: 0, uname: '', gname: '', mtime: EPOCH };

function addContent(tar: Pack, header: EntryHeader, content: Buffer = Buffer.alloc(0)): Promise<void> {
  return new Promise((resolve, reject) => {
    tar.entry({ ...header, ...anonymous, size: content.length }, content, (error) =>
      error ? reject(error) : resolve(),
    );
  });
}

async function addFile(tar: Pack, header: EntryHeader, from: string): Promise<void> {
  const entry = tar.entry({ ...header, ...anonymous, size: statSync(from).size });
  await pipeline(createReadStream(from), entry);
}

async function digestOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk);
  return hash.digest('hex');
}
