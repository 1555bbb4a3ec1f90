/** NetworkPolicies as a network enforces them: may this pod reach that port? */

import type { Labels } from '../cluster/label-selectors.ts';
import type { ContainerPort } from './environment.ts';
import { at, isObject, type Json, listAt, textAt, textListAt, textsAt } from './json.ts';
import { type KubeObject, ofKind } from './objects.ts';
import { selects } from './selectors.ts';

/** One end of a connection. */
export interface Endpoint {
  readonly name: string;
  /** Empty: outside of the cluster, which only addresses select. */
  readonly namespace: string;
  readonly labels: Labels;
}

type Direction = 'Ingress' | 'Egress';

/** Both ends have a say: the policies on the caller's way out, and those on the way in. */
export function mayReach(objects: readonly KubeObject[], from: Endpoint, to: Endpoint, port: ContainerPort): boolean {
  return blockedBy(objects, from, to, port).length === 0;
}

/** Which ends block it. */
export function blockedBy(
  objects: readonly KubeObject[],
  from: Endpoint,
  to: Endpoint,
  port: ContainerPort,
): readonly Direction[] {
  const ends = [
    { direction: 'Egress', self: from, other: to },
    { direction: 'Ingress', self: to, other: from },
  ] as const;
  return ends
    .filter(({ direction, self, other }) => !allows(objects, direction, self, other, port))
    .map(({ direction }) => direction);
}

/** A pod that no policy of a direction selects is open in it; else one of their rules must fit. */
function allows(
  objects: readonly KubeObject[],
  direction: Direction,
  self: Endpoint,
  other: Endpoint,
  port: ContainerPort,
): boolean {
  if (self.namespace === '') return true;
  const policies = ofKind(objects, 'NetworkPolicy').filter(
    ({ namespace, body }) =>
      namespace === self.namespace &&
      typesOf(body).includes(direction) &&
      selects(at(body, 'spec', 'podSelector'), self.labels),
  );
  if (policies.length === 0) return true;
  const [field, peers] = direction === 'Egress' ? ['egress', 'to'] : ['ingress', 'from'];
  return policies.some(({ namespace, body }) =>
    listAt(body, 'spec', field).some(
      (rule) => fitsPeers(at(rule, peers), other, namespace, objects) && fitsPorts(at(rule, 'ports'), port),
    ),
  );
}

/** Left out, it is Ingress, and Egress where there are egress rules. */
function typesOf(body: Json): readonly string[] {
  const given = textListAt(body, 'spec', 'policyTypes');
  if (given.length > 0) return given;
  return listAt(body, 'spec', 'egress').length > 0 ? ['Ingress', 'Egress'] : ['Ingress'];
}

/** No list, or an empty one, is everyone. */
function fitsPeers(peers: Json | undefined, other: Endpoint, home: string, objects: readonly KubeObject[]): boolean {
  const list = listAt(peers);
  return list.length === 0 || list.some((peer) => fitsPeer(peer, other, home, objects));
}

function fitsPeer(peer: Json, other: Endpoint, home: string, objects: readonly KubeObject[]): boolean {
  // A block of addresses may hold anybody: a pod's too.
  if (at(peer, 'ipBlock') !== undefined) return true;
  if (other.namespace === '') return false;
  const namespaces = at(peer, 'namespaceSelector');
  const inNamespace = isObject(namespaces)
    ? selects(namespaces, namespaceLabels(other.namespace, objects))
    : other.namespace === home;
  const pods = at(peer, 'podSelector');
  return inNamespace && (pods === undefined || selects(pods, other.labels));
}

/** The API server adds the label with the name itself. */
function namespaceLabels(name: string, objects: readonly KubeObject[]): Labels {
  const namespace = ofKind(objects, 'Namespace').find((one) => one.name === name);
  return { ...textsAt(namespace?.body, 'metadata', 'labels'), 'kubernetes.io/metadata.name': name };
}

function fitsPorts(ports: Json | undefined, wanted: ContainerPort): boolean {
  const list = listAt(ports);
  return list.length === 0 || list.some((port) => fitsPort(port, wanted));
}

function fitsPort(port: Json, wanted: ContainerPort): boolean {
  if ((textAt(port, 'protocol') ?? 'TCP') !== wanted.protocol) return false;
  const [first, last] = [at(port, 'port'), at(port, 'endPort')];
  if (first === undefined) return true;
  if (typeof first === 'string') return first === wanted.name;
  return (
    typeof first === 'number' && wanted.number >= first && wanted.number <= (typeof last === 'number' ? last : first)
  );
}
