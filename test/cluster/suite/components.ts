/**
 * A component of `kind/components` on top of what runs, applied as somebody who wants it would apply it. Taken off again, each
 * object is what it was: what was there is put back whole, what was not is deleted.
 */
import assert from 'node:assert/strict';
import type { Api } from './api.ts';
import { settled } from './deployments.ts';
import { eventually } from './eventually.ts';
import { kubectl } from './kubectl.ts';
import {
  differences,
  FIELD_MANAGER,
  listOf,
  type Manifest,
  renderOverlay,
  renderOverlayWith,
  withRunningImages,
} from './manifests.ts';

/** A component that is on, until it is disposed of. */
export interface AppliedComponent extends AsyncDisposable {
  /** The objects that it added or changed, as they were applied. */
  readonly objects: readonly Manifest[];
}

/** Applies what it adds or changes. The rest of the overlay is what `manifests.test.ts` finds there. */
export async function applyComponent(api: Api, component: string): Promise<AppliedComponent> {
  const plain = new Map(renderOverlay().map((manifest) => [nameOf(manifest), JSON.stringify(manifest)]));
  const touched = renderOverlayWith(component).filter((it) => plain.get(nameOf(it)) !== JSON.stringify(it));
  assert.ok(touched.length > 0, `${component} changes nothing`);
  const objects = (await withRunningImages(api, touched)).map((manifest) => renamedJob(manifest, component));
  const former = await Promise.all(objects.map(snapshotOf));
  await using undoing = new AsyncDisposableStack();
  undoing.defer(() => restore(api, objects, former));
  const args = ['apply', '--server-side', '--force-conflicts', `--field-manager=${FIELD_MANAGER}`, '--filename=-'];
  await kubectl(args, { input: listOf(objects) });
  const kept = undoing.move();
  return { objects, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

function nameOf({ kind, metadata: { name, namespace = '' } }: Manifest): string {
  return `${kind} ${namespace}/${name}`;
}

/** A Job can't be changed, only made anew: the changed one runs beside the one that is done. */
function renamedJob(manifest: Manifest, component: string): Manifest {
  const { kind, metadata } = manifest;
  return kind === 'Job' ? { ...manifest, metadata: { ...metadata, name: `${metadata.name}-${component}` } } : manifest;
}

interface Live {
  readonly metadata: { readonly resourceVersion?: string };
  readonly status?: object;
}

/** An object as it is now, without what would keep it from being put back; undefined when it is not there. */
async function snapshotOf(manifest: Manifest): Promise<object | undefined> {
  const args = ['get', '--ignore-not-found', '--show-managed-fields', '--output=json', '--filename=-'];
  const text = await kubectl(args, { input: listOf([manifest]) });
  if (text.trim() === '') return undefined;
  const { items }: { readonly items: readonly Live[] } = JSON.parse(text);
  const [live] = items;
  if (live === undefined) return undefined;
  const { status: _status, metadata: all, ...rest } = live;
  const { resourceVersion: _version, ...metadata } = all;
  return { ...rest, metadata };
}

async function restore(api: Api, objects: readonly Manifest[], former: ReadonlyArray<object | undefined>) {
  const [there, added] = [former.filter((it) => it !== undefined), objects.filter((_it, index) => !former[index])];
  if (there.length > 0) {
    // Whoever else writes to one of them at that moment, as its controller does, makes it a conflict.
    await eventually(30_000, () => kubectl(['replace', '--filename=-'], { input: listOf(there) }));
  }
  if (added.length > 0) {
    const args = ['delete', '--ignore-not-found', '--cascade=foreground', '--filename=-'];
    await kubectl(args, { input: listOf(added) });
  }
  const deployments = objects.filter(({ kind }) => kind === 'Deployment');
  for (const { metadata } of deployments) await settled(api, metadata.name);
  assert.equal(await differences(api, renderOverlay()), '', 'what runs is what the overlay says, again');
}
