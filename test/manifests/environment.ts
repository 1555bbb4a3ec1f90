/** What a container's variables say once all is put together, and which Services they name. */

import { hasLabels } from '../cluster/label-selectors.ts';
import { at, type JsonObject, listAt, textAt, textsAt } from './json.ts';
import { findObject, type KubeObject } from './objects.ts';
import { type Container, type PodTemplate, podsOf } from './pods.ts';
import type { World } from './world.ts';

/** Variables by name; those whose value only the kubelet knows are left out. */
export function environmentOf(pod: PodTemplate, { body }: Container, world: World): ReadonlyMap<string, string> {
  const config = (name: string | undefined) =>
    textsAt(findObject(world.objects, 'ConfigMap', pod.namespace, name ?? '')?.body, 'data');
  const environment = new Map<string, string>();
  for (const source of listAt(body, 'envFrom')) {
    const values = config(textAt(source, 'configMapRef', 'name'));
    for (const [key, value] of Object.entries(values))
      environment.set(`${textAt(source, 'prefix') ?? ''}${key}`, value);
  }
  for (const variable of listAt(body, 'env')) {
    const reference = at(variable, 'valueFrom', 'configMapKeyRef');
    const value = textAt(variable, 'value') ?? config(textAt(reference, 'name'))[textAt(reference, 'key') ?? ''];
    if (value !== undefined) environment.set(textAt(variable, 'name') ?? '', value);
  }
  return environment;
}

/** A Service that a variable names. */
export interface Upstream {
  readonly from: PodTemplate;
  readonly variable: string;
  /** As it is written: `https://backend:8443`. */
  readonly value: string;
  readonly host: string;
  readonly port: number;
  /** Undefined: the host is no Service that is applied. */
  readonly service: KubeObject | undefined;
}

const ADDRESS = /^(?:[a-z]+:\/\/)?([a-z][a-z0-9.-]*):(\d{1,5})\/?$/;

/** Every variable of every container that names a host and a port. */
export function upstreamsOf(pod: PodTemplate, world: World): readonly Upstream[] {
  return pod.containers.flatMap((container) =>
    [...environmentOf(pod, container, world)].flatMap(([variable, value]) => {
      const [, host, port] = ADDRESS.exec(value) ?? [];
      if (host === undefined || host === 'localhost') return [];
      return [{ from: pod, variable, value, host, port: Number(port), service: serviceNamed(host, pod, world) }];
    }),
  );
}

/** `backend`, `backend.shop`, `backend.shop.svc` and `backend.shop.svc.<cluster domain>`. */
function serviceNamed(host: string, pod: PodTemplate, { objects }: World): KubeObject | undefined {
  const [name = '', namespace = pod.namespace, svc = 'svc'] = host.split('.');
  return svc === 'svc' ? findObject(objects, 'Service', namespace, name) : undefined;
}

/** The pods behind a Service. */
export function podsBehind(service: KubeObject, { objects }: World): readonly PodTemplate[] {
  const selector = textsAt(service.body, 'spec', 'selector');
  return podsOf(objects).filter((pod) => pod.namespace === service.namespace && hasLabels(selector, pod.labels));
}

/** The port of a Service's pods that this port of the Service leads to, by name where it has one. */
export function targetOf(service: KubeObject, port: number): string | number | undefined {
  const found = listAt(service.body, 'spec', 'ports').find((one) => at(one, 'port') === port);
  const target = at(found, 'targetPort') ?? at(found, 'port');
  return typeof target === 'string' || typeof target === 'number' ? target : undefined;
}

/** A container's port, by name or number. */
export function portOf(pod: PodTemplate, wanted: string | number): ContainerPort | undefined {
  return portsOf(pod).find(({ name, number }) => name === wanted || number === wanted);
}

/** A port that a pod declares. */
export interface ContainerPort {
  readonly name: string;
  readonly number: number;
  readonly protocol: string;
}

/** All of them. */
export function portsOf(pod: PodTemplate): readonly ContainerPort[] {
  return pod.containers.flatMap(({ body }) => listAt(body, 'ports').map((port) => toPort(port)));
}

function toPort(port: JsonObject[string]): ContainerPort {
  const number = at(port, 'containerPort');
  return {
    name: textAt(port, 'name') ?? '',
    number: typeof number === 'number' ? number : 0,
    protocol: textAt(port, 'protocol') ?? 'TCP',
  };
}
