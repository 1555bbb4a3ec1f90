/** Two overlays that must be the same system: the second may have other images, and nothing else. */
import { type Finding, quoted } from './findings.ts';
import { at, isList, isObject, type Json } from './json.ts';
import { idOf, type KubeObject } from './objects.ts';

/** What a replaced image was, and what it is. */
export interface ImageReplacement {
  readonly from: string;
  readonly to: string;
}

/** Every difference but an image replaced as it is listed; and every replacement that replaces nothing. */
export function overlayFaults(
  first: readonly KubeObject[],
  second: readonly KubeObject[],
  replacements: readonly ImageReplacement[],
): readonly Finding[] {
  const used = new Set<string>();
  const pairs = [...new Set([...first, ...second].map(idOf))].map((id) => ({
    id,
    one: first.find((object) => idOf(object) === id),
    other: second.find((object) => idOf(object) === id),
  }));
  const faults = pairs.flatMap(({ id, one, other }) =>
    differences(one?.body, other?.body, []).flatMap(({ path, from, to }): readonly Finding[] => {
      const meant = replacements.find((image) => path.at(-1) === 'image' && image.from === from && image.to === to);
      if (meant === undefined) return [{ rule: 'overlay-difference', object: id, says: explain(path, from, to) }];
      used.add(meant.from);
      return [];
    }),
  );
  const needless = replacements
    .filter(({ from }) => !used.has(from))
    .map(({ from }) => ({
      rule: 'overlay-difference',
      object: from,
      says: 'it is listed to be replaced, and nothing uses it',
    }));
  return [...faults, ...needless];
}

/** The `images:` of a kustomization, against the images that an overlay has. */
export function replacementsOf(kustomization: Json, images: readonly string[]): readonly ImageReplacement[] {
  const list = at(kustomization, 'images');
  return (isList(list) ? list : []).flatMap((image) => {
    const name = String(at(image, 'name'));
    const from = images.find((one) => one.replace(/[:@][^/]*$/, '') === name) ?? name;
    const tag = from.slice(name.length + 1);
    return [{ from, to: `${String(at(image, 'newName') ?? name)}:${String(at(image, 'newTag') ?? tag)}` }];
  });
}

interface Difference {
  readonly path: readonly (string | number)[];
  readonly from: Json | undefined;
  readonly to: Json | undefined;
}

function differences(from: Json | undefined, to: Json | undefined, path: Difference['path']): readonly Difference[] {
  if (isObject(from) && isObject(to)) {
    const keys = [...new Set([...Object.keys(from), ...Object.keys(to)])];
    return keys.flatMap((key) => differences(from[key], to[key], [...path, key]));
  }
  if (isList(from) && isList(to) && from.length === to.length)
    return from.flatMap((item, index) => differences(item, to[index], [...path, index]));
  return JSON.stringify(from) === JSON.stringify(to) ? [] : [{ path, from, to }];
}

function explain(path: Difference['path'], from: Json | undefined, to: Json | undefined): string {
  return `${path.length === 0 ? 'the object' : path.join('.')} differs: ${quoted(from)} and ${quoted(to)}`;
}
