/** Objects that identities.json decides about: who there is, and which of them may reach whom over the network. */
import type { CallEdge, Identities } from '../../packages/identities/src/index.ts';
import type { Yaml } from './yaml.ts';

/** The label that says which program a pod runs. */
const NAME_LABEL = 'app.kubernetes.io/name';
/** The label of a namespace with its own name, which the API server sets. */
const NAMESPACE_LABEL = 'kubernetes.io/metadata.name';

/** A label that marks who gets an identity: on the namespace, and on the pod. */
export function identityLabel({ trustDomain }: Identities): string {
  return `${trustDomain}/identity`;
}

/** The services' namespace. Its pods may ask for identities; which one a pod gets is not for its labels to say. */
export function namespaceOf(identities: Identities): Yaml {
  const metadata = { name: identities.namespace, labels: { [identityLabel(identities)]: 'enabled' } };
  return { apiVersion: 'v1', kind: 'Namespace', metadata };
}

/** A ServiceAccount for each workload. Its name is what the SPIFFE ID ends with; nobody talks to the API server. */
export function serviceAccounts(identities: Identities): Yaml[] {
  return identities.names().map((name) => ({
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name },
    automountServiceAccountToken: false,
  }));
}

/** Who serves what is told by a name, so that a port's number stands in the Deployment alone. */
type PortName = 'https' | 'grpc' | 'postgres' | 'otlp-http';

interface NetworkEdge {
  readonly from: string;
  readonly to: string;
  readonly ports: readonly PortName[];
}

/** The edges of the network: those of the policy, and the database's for those who have a role there. */
export function networkEdges(identities: Identities): NetworkEdge[] {
  const logins = identities.names().filter((name) => identities.workload(name).postgresRole !== undefined);
  return [
    ...identities.calls().map(({ caller, called, operations }) => {
      return { from: caller.name, to: called.name, ports: portsOf(operations) };
    }),
    ...logins.map((name): NetworkEdge => ({ from: name, to: 'postgres', ports: ['postgres'] })),
  ];
}

/** An operation over HTTP begins with a method, one over gRPC with a slash. */
function portsOf(operations: CallEdge['operations']): PortName[] {
  const isGrpc = (operation: string) => operation.startsWith('/');
  const ports: PortName[] = [];
  if (!operations.every(isGrpc)) ports.push('https');
  if (operations.some(isGrpc)) ports.push('grpc');
  return ports;
}

/** Two policies for each edge: out of the caller, into the called. Everything else stays denied. */
export function edgePolicies(identities: Identities): Yaml[] {
  return networkEdges(identities).flatMap(policiesOf);
}

/** Lets the rogue reach every port that anybody may reach: then its identity alone keeps it out. */
export function rogueEdgePolicies(identities: Identities, rogue: string): Yaml[] {
  const served = new Map<string, Set<PortName>>();
  for (const { to, ports } of networkEdges(identities)) {
    served.set(to, new Set([...(served.get(to) ?? []), ...ports]));
  }
  return [
    networkPolicy(`${rogue}-dns`, pods([rogue]), { egress: [dnsRule()] }),
    ...[...served].flatMap(([to, ports]) => policiesOf({ from: rogue, to, ports: [...ports] })),
  ];
}

function policiesOf({ from, to, ports: names }: NetworkEdge): Yaml[] {
  const ports = names.map(tcp);
  return [
    networkPolicy(`${from}-to-${to}-egress`, pods([from]), { egress: [{ to: [pod([to])], ports }] }),
    networkPolicy(`${from}-to-${to}-ingress`, pods([to]), { ingress: [{ from: [pod([from])], ports }] }),
  ];
}

/** Nothing goes in or out unless another policy says so. */
export function defaultDeny(): Yaml {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: 'default-deny' },
    spec: { podSelector: {}, policyTypes: ['Ingress', 'Egress'] },
  };
}

/** Those who resolve a name: whoever has an edge to somewhere. */
export function dnsPolicy(identities: Identities): Yaml {
  const asking = [...new Set(networkEdges(identities).map(({ from }) => from))].sort();
  return networkPolicy('dns', pods(asking), { egress: [dnsRule()] });
}

function dnsRule(): Yaml {
  const dns = { ...inNamespace('kube-system'), podSelector: { matchLabels: { 'k8s-app': 'kube-dns' } } };
  return { to: [dns], ports: ['UDP', 'TCP'].map((protocol) => ({ protocol, port: 53 })) };
}

/** The services, which are those who call or are called, send spans, metrics and logs. */
export function telemetryEgress(identities: Identities): Yaml {
  const to = { ...inNamespace('observability'), ...pod(['otel-collector']) };
  return networkPolicy('telemetry', pods(services(identities)), { egress: [{ to: [to], ports: [tcp('otlp-http')] }] });
}

/** The other end of {@link telemetryEgress}, in the Collector's namespace. */
export function telemetryIngress(identities: Identities): Yaml {
  const from = { ...inNamespace(identities.namespace), ...pod(services(identities)) };
  return networkPolicy('telemetry', pods(['otel-collector']), {
    ingress: [{ from: [from], ports: [tcp('otlp-http')] }],
  });
}

function services(identities: Identities): string[] {
  return [...new Set(identities.calls().flatMap(({ caller, called }) => [caller.name, called.name]))].sort();
}

function networkPolicy(name: string, podSelector: Yaml, rules: Readonly<Record<string, Yaml>>): Yaml {
  const policyTypes = Object.keys(rules).map((direction) => (direction === 'egress' ? 'Egress' : 'Ingress'));
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name },
    spec: { podSelector, policyTypes, ...rules },
  };
}

function inNamespace(name: string): { namespaceSelector: Yaml } {
  return { namespaceSelector: { matchLabels: { [NAMESPACE_LABEL]: name } } };
}

function pod(names: readonly string[]): { podSelector: Yaml } {
  return { podSelector: pods(names) };
}

function pods(names: readonly string[]): Yaml {
  const [only] = names;
  if (names.length === 1 && only !== undefined) return { matchLabels: { [NAME_LABEL]: only } };
  return { matchExpressions: [{ key: NAME_LABEL, operator: 'In', values: names }] };
}

function tcp(port: PortName): Yaml {
  return { protocol: 'TCP', port };
}
