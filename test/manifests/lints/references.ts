/** What a pod refers to is there: volumes, ConfigMaps and their keys, its ServiceAccount. */
import { type Finding, quoted } from '../findings.ts';
import { at, type Json, listAt, objectAt, textAt } from '../json.ts';
import { findObject, idOf, type KubeObject } from '../objects.ts';
import { type PodTemplate, podsOf } from '../pods.ts';
import type { World } from '../world.ts';

export function volumesExist({ objects }: World): readonly Finding[] {
  return podsOf(objects).flatMap(({ owner, spec, containers }) => {
    const claims = listAt(owner.body, 'spec', 'volumeClaimTemplates').map((claim) => textAt(claim, 'metadata', 'name'));
    const volumes = listAt(spec, 'volumes').map((volume) => textAt(volume, 'name'));
    const mounts = containers.flatMap(({ name, body }) =>
      listAt(body, 'volumeMounts').map((mount) => ({ container: name, volume: textAt(mount, 'name') })),
    );
    const missing = mounts
      .filter(({ volume }) => ![...volumes, ...claims].includes(volume))
      .map(({ container, volume }) => `${container} mounts ${quoted(volume)}, which is no volume of the pod`);
    const unused = volumes
      .filter((volume) => !mounts.some((mount) => mount.volume === volume))
      .map((volume) => `volume ${quoted(volume)} is mounted by no container`);
    return [...missing, ...unused].map((says) => ({ rule: 'volumes-exist', object: idOf(owner), says }));
  });
}

export function configExists({ objects }: World): readonly Finding[] {
  return podsOf(objects).flatMap((pod) =>
    referencesOf(pod).flatMap(({ kind, name, keys, optional }) => {
      const found = findObject(objects, kind, pod.namespace, name);
      const finding = (says: string): Finding => ({ rule: 'config-exists', object: idOf(pod.owner), says });
      if (found === undefined) return optional ? [] : [finding(`${kind} ${quoted(name)} is not applied beside it`)];
      return keys
        .filter((key) => !keysOf(found).includes(key))
        .map((key) => finding(`${kind} ${name} has no key ${quoted(key)}`));
    }),
  );
}

export function serviceAccountExists({ objects }: World): readonly Finding[] {
  return podsOf(objects)
    .filter((pod) => findObject(objects, 'ServiceAccount', pod.namespace, pod.serviceAccount) === undefined)
    .map(({ owner, serviceAccount }) => ({
      rule: 'service-account-exists',
      object: idOf(owner),
      says: `ServiceAccount ${quoted(serviceAccount)} is not applied beside it`,
    }));
}

interface Reference {
  readonly kind: 'ConfigMap' | 'Secret';
  readonly name: string;
  /** Keys that must be in it. */
  readonly keys: readonly string[];
  readonly optional: boolean;
}

function referencesOf({ spec, containers }: PodTemplate): readonly Reference[] {
  const volumes = listAt(spec, 'volumes').flatMap((volume) => [volume, ...listAt(volume, 'projected', 'sources')]);
  const variables = containers.flatMap(({ body }) => [
    ...listAt(body, 'envFrom').flatMap((source) => [
      reference('ConfigMap', at(source, 'configMapRef')),
      reference('Secret', at(source, 'secretRef')),
    ]),
    ...listAt(body, 'env').flatMap((variable) => [
      reference('ConfigMap', at(variable, 'valueFrom', 'configMapKeyRef')),
      reference('Secret', at(variable, 'valueFrom', 'secretKeyRef')),
    ]),
  ]);
  const mounted = volumes.flatMap((volume) => [
    reference('ConfigMap', at(volume, 'configMap')),
    reference('Secret', at(volume, 'secret')),
  ]);
  return [...mounted, ...variables].flat();
}

/** A Secret volume says `secretName` where everything else says `name`. */
function reference(kind: Reference['kind'], source: Json | undefined): readonly Reference[] {
  if (source === undefined) return [];
  const name = textAt(source, 'name') ?? textAt(source, 'secretName') ?? '';
  const key = textAt(source, 'key');
  const items = listAt(source, 'items').flatMap((item) => textAt(item, 'key') ?? []);
  return [{ kind, name, keys: key === undefined ? items : [key], optional: at(source, 'optional') === true }];
}

function keysOf({ body }: KubeObject): readonly string[] {
  return ['data', 'binaryData', 'stringData'].flatMap((field) => Object.keys(objectAt(body, field)));
}

/** Pods of a StatefulSet get their names from a headless Service. */
export function governingServiceExists({ objects }: World): readonly Finding[] {
  return objects
    .filter(({ kind }) => kind === 'StatefulSet')
    .filter(({ body, namespace }) => {
      const service = findObject(objects, 'Service', namespace, textAt(body, 'spec', 'serviceName') ?? '');
      return textAt(service?.body, 'spec', 'clusterIP') !== 'None';
    })
    .map((object) => ({
      rule: 'governing-service-exists',
      object: idOf(object),
      says: `serviceName must name a headless Service, got ${quoted(textAt(object.body, 'spec', 'serviceName'))}`,
    }));
}
