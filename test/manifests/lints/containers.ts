/** Containers: whose image it is, what its variables say, that it can be judged and bounded. */
import { type Finding, quoted } from '../findings.ts';
import { at, listAt, textAt } from '../json.ts';
import { idOf } from '../objects.ts';
import { podsOf } from '../pods.ts';
import type { World } from '../world.ts';

/** An image is built here, or pinned: never whatever is the newest on the day of the pull. */
export function imagePinned({ objects, builtImages }: World): readonly Finding[] {
  return podsOf(objects).flatMap(({ owner, containers }) =>
    containers
      .map(({ name, body }) => ({ name, image: textAt(body, 'image') ?? '' }))
      .filter(({ image }) => !builtImages.has(image) && !isPinned(image))
      .map(({ name, image }) => ({
        rule: 'image-pinned',
        object: `${idOf(owner)}, ${name}`,
        says: `${quoted(image)} is neither built here (${[...builtImages].join(', ')}) nor pinned by a tag or digest`,
      })),
  );
}

function isPinned(image: string): boolean {
  if (/@sha256:[0-9a-f]{64}$/.test(image)) return true;
  const tag = /^[^@]*\/[^/:@]+:([\w][\w.-]*)$/.exec(image)?.[1];
  return tag !== undefined && tag !== 'latest';
}

/** YAML reads `1` and `true` as no texts, and the API server refuses them. */
export function envIsText({ objects }: World): readonly Finding[] {
  return podsOf(objects).flatMap(({ owner, containers }) =>
    containers.flatMap(({ name, body }) =>
      listAt(body, 'env')
        .filter((variable) => at(variable, 'value') !== undefined && textAt(variable, 'value') === undefined)
        .map((variable) => ({
          rule: 'env-is-text',
          object: `${idOf(owner)}, ${name}`,
          says: `${textAt(variable, 'name')} must be a text, got ${quoted(at(variable, 'value'))}: quote it`,
        })),
    ),
  );
}

export function envOnce({ objects }: World): readonly Finding[] {
  return podsOf(objects).flatMap(({ owner, containers }) =>
    containers.flatMap(({ name, body }) => {
      const names = listAt(body, 'env').flatMap((variable) => textAt(variable, 'name') ?? []);
      return names
        .filter((variable, index) => names.indexOf(variable) !== index)
        .map((variable) => ({
          rule: 'env-once',
          object: `${idOf(owner)}, ${name}`,
          says: `${variable} is given twice, and the last one counts`,
        }));
    }),
  );
}

/** Without requests nothing can be planned, without a limit of memory one container takes the node with it. */
export function resourcesBounded({ objects }: World): readonly Finding[] {
  const wanted = [
    ['requests', 'cpu'],
    ['requests', 'memory'],
    ['limits', 'memory'],
  ] as const;
  return podsOf(objects).flatMap(({ owner, containers }) =>
    containers.flatMap(({ name, body }) =>
      wanted
        .filter((path) => at(body, 'resources', ...path) === undefined)
        .map((path) => ({
          rule: 'resources-bounded',
          object: `${idOf(owner)}, ${name}`,
          says: `resources.${path.join('.')} is missing`,
        })),
    ),
  );
}

/** What serves says when it is ready; without, it gets calls before it has an identity. */
export function readinessProbed({ objects }: World): readonly Finding[] {
  return podsOf(objects)
    .filter(({ owner }) => ['Deployment', 'StatefulSet', 'DaemonSet'].includes(owner.kind))
    .flatMap(({ owner, containers }) =>
      containers
        .filter(({ role, body }) => role === 'main' && at(body, 'readinessProbe') === undefined)
        .map(({ name }) => ({
          rule: 'readiness-probed',
          object: `${idOf(owner)}, ${name}`,
          says: 'it has no readinessProbe',
        })),
    );
}
