/** Who may reach whom: as the policy's data grants it, as the pods are configured, as the network lets it. */
import { issuedTo } from './cluster-spiffe-ids.ts';
import { type ContainerPort, podsBehind, portOf, portsOf, targetOf, upstreamsOf } from './environment.ts';
import type { Endpoint } from './network.ts';
import { type PodTemplate, podsOf } from './pods.ts';
import { identityLabel, type World } from './world.ts';

/** One end, with the pod that it is; a workload that runs nowhere yet has none. */
export interface Node extends Endpoint {
  readonly pod: PodTemplate | undefined;
  /** Undefined: nobody of identities.json. */
  readonly workload: string | undefined;
}

/** All pods, and the workloads of identities.json that have none: who starts one later meets the same network. */
export function nodesOf(world: World): readonly Node[] {
  const { identities } = world;
  const pods = podsOf(world.objects).map((pod): Node => {
    const [issued] = issuedTo(pod, world);
    const workload = identities.names().find((name) => identities.workload(name).spiffeId === issued?.spiffeId);
    return { name: pod.owner.name, namespace: pod.namespace, labels: pod.labels, pod, workload };
  });
  const absent = identities.names().filter((name) => !pods.some(({ workload }) => workload === name));
  return [...pods, ...absent.map((name) => futureNode(name, world))];
}

function futureNode(name: string, { identities }: World): Node {
  const labels = { 'app.kubernetes.io/name': name, [identityLabel(identities)]: 'workload' };
  return { name, namespace: identities.namespace, labels, pod: undefined, workload: name };
}

/** Names of the ports of the called that the policy, or a role in the database, opens to a caller. */
export function grantedPorts(caller: Node, called: Node, world: World): ReadonlySet<string> {
  const { identities, grants } = world;
  if (caller.workload === undefined || called.workload === undefined) return new Set();
  const [from, to] = [identities.workload(caller.workload), identities.workload(called.workload)];
  const operations = Object.keys(grants[to.spiffeId]?.[from.spiffeId] ?? {});
  const isDatabase = called.pod !== undefined && portOf(called.pod, 'postgres') !== undefined;
  return new Set([
    // `GET /orders` is an operation over HTTPS, `/package.Service/Method` one over gRPC.
    ...operations.map((operation) => (operation.startsWith('/') ? 'grpc' : 'https')),
    ...(isDatabase && from.postgresRole !== undefined ? ['postgres'] : []),
  ]);
}

/** A port that a pod is configured to call. */
export interface ConfiguredEdge {
  readonly called: PodTemplate;
  readonly port: ContainerPort;
  readonly variable: string;
}

/** Where a pod's variables lead to, as far as they lead to a port of a pod. */
export function configuredEdges(pod: PodTemplate, world: World): readonly ConfiguredEdge[] {
  return upstreamsOf(pod, world).flatMap(({ service, port, variable }) => {
    if (service === undefined) return [];
    const target = targetOf(service, port);
    return podsBehind(service, world).flatMap((called) => {
      const found = target === undefined ? undefined : portOf(called, target);
      return found === undefined ? [] : [{ called, port: found, variable }];
    });
  });
}

/** Ports of a node; of a workload that runs nowhere none are known. */
export function nodePorts({ pod }: Node): readonly ContainerPort[] {
  return pod === undefined ? [] : portsOf(pod);
}
