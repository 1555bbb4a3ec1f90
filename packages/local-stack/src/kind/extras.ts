/**
 * Parts that are not there by themselves: `kind/extras/NAME` is rendered with the images that the cluster runs already,
 * so a part is the same program as its neighbour, under another identity.
 */
import { fileURLToPath } from 'node:url';
import { LocalStackError } from '../errors.ts';
import { objectsAt, textAt } from './json.ts';
import type { Kubectl } from './kubectl.ts';

/** A part. */
export type ExtraName = 'rogue' | 'partner';

/** Where the running image of each program is found: its name in the manifests, and who runs it. */
export type ImageSources = Readonly<Record<string, { readonly namespace: string; readonly workload: string }>>;

/** Adds or removes a part. */
export interface Extras {
  add(name: ExtraName): Promise<void>;
  /** Idempotent. */
  remove(name: ExtraName): Promise<void>;
}

/** Makes it. */
export function createExtras(kubectl: Kubectl, images: ImageSources): Extras {
  const render = (name: ExtraName) =>
    kubectl.run(['kustomize', fileURLToPath(new URL(`../../../../kind/extras/${name}`, import.meta.url))]);
  return {
    async add(name) {
      const manifest = await render(name);
      const running = new Map<string, string>();
      for (const image of imagesIn(manifest)) running.set(image, await runningImage(kubectl, images, image));
      // Ours alone manages these objects: a field that an earlier version set is not a conflict.
      await kubectl.run(['apply', '--server-side', '--force-conflicts', '-f', '-'], withImages(manifest, running));
    },
    async remove(name) {
      await kubectl.run(['delete', '--ignore-not-found', '--wait', '-f', '-'], await render(name));
    },
  };
}

const IMAGE = /^(\s*(?:- )?image: )(\S+)$/gm;

/** Each image that a manifest names, once. */
export function imagesIn(manifest: string): string[] {
  return [...new Set([...manifest.matchAll(IMAGE)].map(([, , image = '']) => image))];
}

/** The manifest with other images. */
export function withImages(manifest: string, images: ReadonlyMap<string, string>): string {
  return manifest.replace(IMAGE, (_line, start: string, image: string) => `${start}${images.get(image) ?? image}`);
}

async function runningImage(kubectl: Kubectl, images: ImageSources, image: string): Promise<string> {
  const name = nameOf(image);
  const source = images[name];
  if (source === undefined)
    throw new LocalStackError('CLUSTER_FAILED', `nobody in the cluster is known to run ${name}`);
  const { namespace, workload } = source;
  const containers = objectsAt(
    await kubectl.get(['-n', namespace, workload]),
    'spec',
    'template',
    'spec',
    'containers',
  );
  const container = workload.slice(workload.indexOf('/') + 1);
  const found = textAt(
    containers.find((one) => textAt(one, 'name') === container),
    'image',
  );
  if (found === '') throw new LocalStackError('CLUSTER_FAILED', `${workload} must have a container ${container}`);
  return found;
}

/** `ghcr.io/spiffe/spire-server:1.15.2` -> `ghcr.io/spiffe/spire-server` */
function nameOf(image: string): string {
  return image.replace(/@.*$/, '').replace(/:[^:/]*$/, '');
}
