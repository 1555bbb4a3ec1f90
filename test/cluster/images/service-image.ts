/** A service's image, built by build.sh and unpacked into a folder, with what a test asks about it. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** How containers of an image start, in the words of the OCI image specification. */
export interface StartConfig {
  readonly User: string;
  readonly Env: readonly string[];
  readonly Entrypoint: readonly string[];
  readonly Cmd: readonly string[];
  readonly WorkingDir: string;
  readonly Labels: Readonly<Record<string, string>>;
}

interface ImageDocument {
  readonly created: string;
  readonly config: StartConfig;
  readonly rootfs: { readonly diff_ids: readonly string[] };
}

/** An unpacked one. */
export interface ServiceImage extends Disposable {
  /** Digest of the image's configuration, which holds those of all layers. */
  readonly id: string;
  /** As it is written in the image: whatever was given to the build and is kept is in it. */
  readonly document: string;
  readonly config: StartConfig;
  readonly layers: readonly string[];
  /** Names in each layer, as tar lists them. */
  readonly names: readonly (readonly string[])[];
  /** Its files. */
  readonly root: string;
}

/** @param storage folder of layers; without, the one that other builds use too */
export function buildServiceImage(service: string, storage?: string): ServiceImage {
  const work = mkdtempSync(join(tmpdir(), 'countersign-service-image-'));
  try {
    const env = { ...process.env, ...(storage === undefined ? {} : { COUNTERSIGN_IMAGE_STORAGE: storage }) };
    const ref = `localhost/countersign-ci/${service}:test`;
    run(sibling('build.sh'), [service, ref], env);
    run(
      'bash',
      [
        '-c',
        '. "$1"; in_storage push -q "$2" "docker-archive:$3"',
        'push',
        sibling('buildah.sh'),
        ref,
        join(work, 'archive.tar'),
      ],
      env,
    );
    return unpack(work);
  } catch (error) {
    rmSync(work, { recursive: true, force: true });
    throw error;
  }
}

function unpack(work: string): ServiceImage {
  const archive = join(work, 'archive');
  const root = join(work, 'root');
  run('mkdir', [archive, root]);
  run('tar', ['-xf', `${archive}.tar`, '-C', archive]);
  const [manifest]: { Config: string; Layers: string[] }[] = JSON.parse(read(archive, 'manifest.json'));
  if (manifest === undefined) throw new Error('the archive has no image');
  const document = read(archive, manifest.Config);
  const { config, rootfs }: ImageDocument = JSON.parse(document);
  const tars = manifest.Layers.map((layer) => join(archive, layer));
  for (const tar of tars) run('tar', ['-xpf', tar, '-C', root]);
  const names = tars.map((tar) => run('tar', ['-tf', tar]).split('\n').slice(0, -1));
  return {
    id: manifest.Config.replace(/\.json$/, ''),
    document,
    config,
    layers: rootfs.diff_ids,
    names,
    root,
    [Symbol.dispose]: () => rmSync(work, { recursive: true, force: true }),
  };
}

function run(command: string, args: readonly string[], env = process.env): string {
  return execFileSync(command, args, { encoding: 'utf8', env, maxBuffer: 64 * 1024 * 1024 });
}

function read(folder: string, file: string): string {
  return readFileSync(join(folder, file), 'utf8');
}

function sibling(file: string): string {
  return fileURLToPath(new URL(file, import.meta.url));
}
