/**
 * The edge matrix: every pod by every port of every other. What the network lets through, what the policy grants and what the
 * pods are configured to call are the same edges.
 */
import { configuredEdges, grantedPorts, type Node, nodePorts, nodesOf } from '../edges.ts';
import { targetOf, upstreamsOf } from '../environment.ts';
import type { Finding } from '../findings.ts';
import { blockedBy, type Endpoint, mayReach } from '../network.ts';
import { idOf } from '../objects.ts';
import { podsOf } from '../pods.ts';
import type { World } from '../world.ts';

const OUTSIDE: Endpoint = { name: 'the outside', namespace: '', labels: {} };
const DNS: Endpoint = { name: 'kube-dns', namespace: 'kube-system', labels: { 'k8s-app': 'kube-dns' } };
const STRANGER: Endpoint = { name: 'a stranger', namespace: 'default', labels: {} };
const DNS_PORT = { name: 'dns', number: 53, protocol: 'UDP' };
const HTTPS_PORT = { name: '', number: 443, protocol: 'TCP' };

/** Between workloads: the network's edges are the policy's. */
export function edgeMatrix(world: World): readonly Finding[] {
  const nodes = nodesOf(world);
  const called = nodes.filter(({ pod, workload }) => pod !== undefined && workload !== undefined);
  return nodes.flatMap((from) => called.filter((to) => to !== from).flatMap((to) => edgeFaults(from, to, world)));
}

function edgeFaults(from: Node, to: Node, world: World): readonly Finding[] {
  const granted = grantedPorts(from, to, world);
  const finding = (says: string): Finding => ({ rule: 'edge-matrix', object: `${from.name} -> ${to.name}`, says });
  return nodePorts(to).flatMap((port) => {
    const blocked = blockedBy(world.objects, from, to, port);
    if (granted.has(port.name)) {
      return blocked.map((end) => finding(`the policy grants ${port.name}, and no NetworkPolicy opens its ${end}`));
    }
    if (blocked.length > 0 || world.guests.has(from.name)) return [];
    return [finding(`the network opens ${port.name}, and the policy grants nothing there`)];
  });
}

/** Of the rest (telemetry), whoever is configured to call gets through, and nobody else. */
export function edgeClosed(world: World): readonly Finding[] {
  const nodes = nodesOf(world);
  const others = nodes.filter(({ pod, workload }) => pod !== undefined && workload === undefined);
  const callers = nodes.filter(({ pod }) => pod !== undefined);
  const faults = callers.flatMap((from) => others.flatMap((to) => telemetryFaults(from, to, world)));
  const open = nodes.flatMap((to) =>
    nodePorts(to).flatMap((port) =>
      [OUTSIDE, STRANGER]
        .filter((from) => mayReach(world.objects, from, to, port))
        .map((from) => ({
          rule: 'edge-closed',
          object: `${from.name} -> ${to.name}`,
          says: `the network opens ${port.name} to everybody`,
        })),
    ),
  );
  return [...faults, ...open];
}

function telemetryFaults(from: Node, to: Node, world: World): readonly Finding[] {
  if (from === to || from.pod === undefined) return [];
  const edges = configuredEdges(from.pod, world).filter(
    ({ called }) => called === to.pod || called.owner === to.pod?.owner,
  );
  return nodePorts(to).flatMap((port) => {
    const configured = edges.some((edge) => edge.port.number === port.number);
    const open = mayReach(world.objects, from, to, port);
    if (configured === open) return [];
    const says = open
      ? `the network opens ${port.name}, and nothing is configured to call it`
      : `${port.name} is configured, and the network does not let it through`;
    return [{ rule: 'edge-closed', object: `${from.name} -> ${to.name}`, says }];
  });
}

/** Out of the cluster goes nothing; names are resolved by those who call by name, and by nobody else. */
export function edgeOutward(world: World): readonly Finding[] {
  return podsOf(world.objects).flatMap((pod) => {
    const self = { name: pod.owner.name, namespace: pod.namespace, labels: pod.labels };
    const finding = (says: string): Finding => ({ rule: 'edge-outward', object: idOf(pod.owner), says });
    const asks = upstreamsOf(pod, world).length > 0;
    const resolves = mayReach(world.objects, self, DNS, DNS_PORT);
    return [
      ...(mayReach(world.objects, self, OUTSIDE, HTTPS_PORT) ? [finding('it may reach the outside')] : []),
      ...(asks && !resolves ? [finding('it calls by name and may not ask DNS')] : []),
      ...(!asks && resolves ? [finding('it calls nobody by name and may ask DNS')] : []),
    ];
  });
}

/** What is configured leads to a port of a Service, and every granted edge of a pod that runs is configured. */
export function edgeUpstream(world: World): readonly Finding[] {
  const nodes = nodesOf(world);
  return nodes.flatMap((from) => {
    const { pod } = from;
    if (pod === undefined) return [];
    const finding = (says: string): Finding => ({ rule: 'edge-upstream', object: idOf(pod.owner), says });
    const nowhere = upstreamsOf(pod, world)
      .filter(({ service, port }) => service === undefined || targetOf(service, port) === undefined)
      .map(({ variable, value }) => finding(`${variable}=${value} is no port of a Service`));
    const edges = configuredEdges(pod, world);
    const unused = nodes.flatMap((to) =>
      [...grantedPorts(from, to, world)]
        .filter(() => to.pod !== undefined && !world.guests.has(from.name))
        .filter((name) => !edges.some(({ called, port }) => called.owner === to.pod?.owner && port.name === name))
        .map((name) => finding(`the policy grants ${to.name}:${name}, and no variable leads there`)),
    );
    return [...nowhere, ...unused];
  });
}
