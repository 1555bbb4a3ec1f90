/** Namespaces: each that is used is there, and lets no pod in that is not restricted. */
import { type Finding, quoted } from '../findings.ts';
import { textsAt } from '../json.ts';
import { idOf, ofKind } from '../objects.ts';
import type { World } from '../world.ts';

/** Pinned: what "restricted" means must not change under a running cluster. */
const VERSION = 'v1.36';

export function namespaceRestricted({ objects }: World): readonly Finding[] {
  return ofKind(objects, 'Namespace').flatMap((namespace) => {
    const labels = textsAt(namespace.body, 'metadata', 'labels');
    return ['enforce', 'warn', 'audit'].flatMap((mode) => {
      const key = `pod-security.kubernetes.io/${mode}`;
      return [
        { key, wanted: 'restricted' },
        { key: `${key}-version`, wanted: VERSION },
      ]
        .filter((label) => labels[label.key] !== label.wanted)
        .map((label) => ({
          rule: 'namespace-restricted',
          object: idOf(namespace),
          says: `label ${label.key} must be ${label.wanted}, got ${quoted(labels[label.key])}`,
        }));
    });
  });
}

export function namespaceDeclared({ objects }: World): readonly Finding[] {
  const declared = new Set(ofKind(objects, 'Namespace').map(({ name }) => name));
  return objects
    .filter(({ namespace }) => namespace !== '' && !declared.has(namespace))
    .map((object) => ({
      rule: 'namespace-declared',
      object: idOf(object),
      says: `no Namespace ${object.namespace} is applied beside it`,
    }));
}
