/**
 * NetworkPolicies as one nftables table for a node whose pods are all routed by it. Closed by default: what comes from or goes
 * to an address that is no known pod's is dropped, so a pod that has just started is cut off until its rules are there.
 *
 * A packet passes when the sender's egress and the receiver's ingress both allow it; a pod that no policy selects for a
 * direction is free in it. The node itself (the kubelet's probes, pods in its network) is not forwarded and so not asked, as
 * the API demands. Answers of a connection that was allowed pass, also after a change of the policies.
 */
import { type Cluster, matches, type Pod, type Port, type Rule } from './cluster.ts';

export const TABLE = 'countersign_network_policies';

type Direction = 'ingress' | 'egress';

/** What a rule allows on the other side: an address or block, and the pod behind it where it is one. */
interface Target {
  readonly match: string;
  readonly pod: Pod | undefined;
}

/** The whole table, for `nft --file`: it replaces the former one at once. */
export function rulesFor(cluster: Cluster): string {
  const egress = chainsFor(cluster, 'egress');
  const ingress = chainsFor(cluster, 'ingress');
  const known = cluster.pods.map(({ address }) => address).sort();
  return [
    `table ip ${TABLE} {}`,
    `delete table ip ${TABLE}`,
    `table ip ${TABLE} {`,
    `  set pods { type ipv4_addr; ${known.length > 0 ? `elements = { ${known.join(', ')} }; ` : ''}}`,
    ...[...egress, ...ingress].flatMap(({ lines }) => lines),
    '  chain forward {',
    '    type filter hook forward priority filter; policy drop;',
    '    ct state established,related accept',
    '    ip saddr != @pods counter drop',
    '    ip daddr != @pods counter drop',
    ...jumps('saddr', egress),
    ...jumps('daddr', ingress),
    '    accept',
    '  }',
    '}',
    '',
  ].join('\n');
}

interface Chain {
  readonly address: string;
  readonly name: string;
  readonly lines: readonly string[];
}

/** One chain for each pod that some policy selects: it returns what is allowed and drops the rest. */
function chainsFor(cluster: Cluster, direction: Direction): Chain[] {
  return cluster.pods.flatMap((pod) => {
    const policies = cluster.policies.filter(
      (it) => it[direction] !== undefined && it.namespace === pod.namespace && matches(it.selector, pod.labels),
    );
    if (policies.length === 0) return [];
    const allowed = policies.flatMap((policy) =>
      (policy[direction] ?? []).flatMap((rule) => allow(cluster, pod, rule, direction)),
    );
    const name = `${direction}_${pod.address.replaceAll('.', '_')}`;
    const comment = `${pod.namespace}/${pod.name}`;
    const lines = [...new Set(allowed)].sort().map((match) => `    ${`${match} return`.trim()}`);
    return [
      { address: pod.address, name, lines: [`  chain ${name} { # ${comment}`, ...lines, '    counter drop', '  }'] },
    ];
  });
}

function jumps(field: 'saddr' | 'daddr', chains: readonly Chain[]): string[] {
  const elements = chains.map(({ address, name }) => `${address} : jump ${name}`);
  return elements.length > 0 ? [`    ip ${field} vmap { ${elements.join(', ')} }`] : [];
}

/** Matches of nftables, one for each target and port. A port's name is looked up on the pod that receives. */
function allow(cluster: Cluster, pod: Pod, { peers, ports }: Rule, direction: Direction): string[] {
  const field = direction === 'egress' ? 'daddr' : 'saddr';
  const isByName = ports?.some(({ port }) => typeof port === 'string') ?? false;
  const targets =
    peers === undefined ? everybody(cluster, isByName) : peers.flatMap((it) => targetsOf(cluster, pod, it));
  return targets.flatMap((target) => {
    const receiver = direction === 'egress' ? target.pod : pod;
    const matched = ports === undefined ? [''] : ports.flatMap((port) => matchPort(port, receiver));
    return matched.map((port) => `${target.match.replaceAll('ADDRESS', `ip ${field}`)} ${port}`.trim());
  });
}

/** Each pod by itself where ports go by name: the same name may be another port on the next. */
function everybody({ pods }: Cluster, isByName: boolean): Target[] {
  return isByName ? pods.map(targetOf) : [{ match: '', pod: undefined }];
}

function targetsOf({ namespaces, pods }: Cluster, home: Pod, peer: NonNullable<Rule['peers']>[number]): Target[] {
  if (peer.kind === 'block') {
    const except = peer.except.map((cidr) => `ADDRESS != ${cidr} `).join('');
    return [{ match: `ADDRESS ${peer.cidr} ${except}`.trim(), pod: undefined }];
  }
  const isChosen = ({ namespace }: Pod): boolean =>
    peer.namespaces === undefined
      ? namespace === home.namespace
      : matches(peer.namespaces, namespaces.get(namespace) ?? {});
  return pods.filter((pod) => isChosen(pod) && matches(peer.pods, pod.labels)).map(targetOf);
}

function targetOf(pod: Pod): Target {
  return { match: `ADDRESS ${pod.address}`, pod };
}

function matchPort({ protocol, port, endPort }: Port, receiver: Pod | undefined): string[] {
  if (port === undefined) return [`meta l4proto ${protocol}`];
  if (typeof port === 'number') return [`${protocol} dport ${port}${endPort === undefined ? '' : `-${endPort}`}`];
  const named = receiver?.ports.filter((it) => it.name === port && it.protocol === protocol) ?? [];
  return named.map((it) => `${protocol} dport ${it.port}`);
}
