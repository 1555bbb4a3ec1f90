/** The systems that people can apply: every overlay, every component and every extra on top of what `tilt up` applies. */
import { globSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type GrantsDocument, loadIdentities } from '@countersign/identities';
import { mergeValues, readValues } from './helm-values.ts';
import { textListAt } from './json.ts';
import { type KubeObject, parseYaml } from './objects.ts';
import { podsOf } from './pods.ts';
import { render, renderWith, root } from './render.ts';
import type { World } from './world.ts';

/** What extras and components are put on top of. */
const DEFAULT_OVERLAY = 'kind/overlays/dev';

/** Everything that stands beside the objects. */
export type Surroundings = Omit<World, 'name' | 'objects' | 'guests'>;

export function readSurroundings(): Surroundings {
  const grants: GrantsDocument = JSON.parse(readFileSync(join(root, 'policies/data/grants/data.json'), 'utf8'));
  const [values, identities] = ['values', 'identities'].map((name) =>
    readValues(join(root, `kind/spire/${name}.yaml`)),
  );
  return {
    identities: loadIdentities(),
    spireValues: mergeValues(values ?? {}, identities ?? {}),
    grants,
    builtImages: new Set(readdirSync(join(root, 'services')).map((service) => `countersign/${service}`)),
  };
}

/** One system that is not rendered yet: each fails by itself. */
export interface Plan {
  readonly name: string;
  /** @throws {Error} with what kubectl says */
  render(): World;
}

/** Each overlay as it is; then each component and each extra on top of the default one. */
export function plannedSystems(kubectl: string, surroundings: Surroundings): readonly Plan[] {
  const plan = (
    name: string,
    objects: () => readonly KubeObject[],
    guests: () => readonly string[] = () => [],
  ): Plan => ({
    name,
    render: () => ({ ...surroundings, name, objects: objects(), guests: new Set(guests()) }),
  });
  return [
    ...foldersOf('kind/overlays').map((path) => plan(path, () => render(kubectl, path))),
    ...foldersOf('kind/components')
      .filter(isExtra)
      .map((path) => plan(path, () => renderWith(kubectl, DEFAULT_OVERLAY, path))),
    ...foldersOf('kind/extras').map((path) =>
      plan(
        path,
        () => [...render(kubectl, DEFAULT_OVERLAY), ...render(kubectl, path)],
        () => podsOf(render(kubectl, path)).map(({ owner }) => owner.name),
      ),
    ),
  ];
}

/** Whether the default overlay is without this component. */
function isExtra(component: string): boolean {
  const file = join(DEFAULT_OVERLAY, 'kustomization.yaml');
  const [kustomization] = parseYaml(readFileSync(join(root, file), 'utf8'), file);
  return !textListAt(kustomization, 'components').some((path) => join(DEFAULT_OVERLAY, path) === component);
}

/** Manifests that are examples for clusters of others: asked about themselves, not about our identities. */
export function plannedExamples(kubectl: string): readonly { name: string; render(): readonly KubeObject[] }[] {
  return foldersOf('kind/examples').map((name) => ({ name, render: () => render(kubectl, name) }));
}

/** Folders with a kustomization, from the root. @throws {Error} when there is none: what is not found is not checked */
export function foldersOf(folder: string): readonly string[] {
  const found = globSync(`${folder}/*/kustomization.yaml`, { cwd: root }).map(dirname).sort();
  if (found.length === 0) throw new Error(`${folder} has no folder with a kustomization.yaml`);
  return found;
}
