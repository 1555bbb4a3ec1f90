/** Pods as they will be: the templates of all workload kinds, with their containers. */

import type { Labels } from '../cluster/label-selectors.ts';
import { at, isObject, type Json, type JsonObject, listAt, objectAt, textAt, textsAt } from './json.ts';
import type { KubeObject } from './objects.ts';

/** A container of a pod. */
export interface Container {
  readonly name: string;
  /** A sidecar is an init container that stays. */
  readonly role: 'init' | 'sidecar' | 'main';
  readonly body: JsonObject;
}

/** A pod that an object makes, or is. */
export interface PodTemplate {
  readonly owner: KubeObject;
  readonly namespace: string;
  readonly labels: Labels;
  readonly serviceAccount: string;
  readonly spec: JsonObject;
  readonly containers: readonly Container[];
}

/** Where each kind keeps its pod. */
const TEMPLATES: Readonly<Record<string, readonly string[]>> = {
  Pod: [],
  Deployment: ['spec', 'template'],
  StatefulSet: ['spec', 'template'],
  DaemonSet: ['spec', 'template'],
  ReplicaSet: ['spec', 'template'],
  Job: ['spec', 'template'],
  CronJob: ['spec', 'jobTemplate', 'spec', 'template'],
};

/** The pods of all objects that make some. */
export function podsOf(objects: readonly KubeObject[]): readonly PodTemplate[] {
  return objects.flatMap((owner) => {
    const path = TEMPLATES[owner.kind];
    return path === undefined ? [] : [podOf(owner, at(owner.body, ...path))];
  });
}

function podOf(owner: KubeObject, template: Json | undefined): PodTemplate {
  const spec = objectAt(template, 'spec');
  return {
    owner,
    namespace: owner.namespace,
    labels: textsAt(template, 'metadata', 'labels'),
    serviceAccount: textAt(spec, 'serviceAccountName') ?? 'default',
    spec,
    containers: [...containersAt(spec, 'initContainers'), ...containersAt(spec, 'containers')],
  };
}

function containersAt(spec: JsonObject, field: string): readonly Container[] {
  return listAt(spec, field).flatMap((body) => {
    if (!isObject(body)) return [];
    const initRole = textAt(body, 'restartPolicy') === 'Always' ? 'sidecar' : 'init';
    return [{ name: textAt(body, 'name') ?? '', role: field === 'containers' ? 'main' : initRole, body }];
  });
}
