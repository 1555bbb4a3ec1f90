/**
 * Faults to plant, one for each way a rule can be broken: a lint that does not see its own is no lint. Each names the objects
 * that the small system and the real one both have, so both are broken in the same way.
 */
import { at, isObject, type Json, listAt, withValue } from './json.ts';
import { type KubeObject, ofKind } from './objects.ts';
import type { World } from './world.ts';

/** One of them. */
export interface Fault {
  /** The rule that must see it. */
  readonly rule: string;
  readonly title: string;
  /** What the finding names. */
  readonly names: RegExp;
  plant(world: World): World;
}

type Path = readonly (string | number)[];

const POD: Path = ['spec', 'template', 'spec'];
const CONTAINER: Path = [...POD, 'containers', 0];
const CLUSTER_SPIFFE_IDS: Path = ['spire-server', 'controllerManager', 'identities', 'clusterSPIFFEIDs'];

/** The first object of this kind and name with another value at a path, or without it. */
export function edit(world: World, kind: string, name: string, path: Path, to: Json | undefined): World {
  const index = world.objects.findIndex((object) => object.kind === kind && object.name.startsWith(name));
  const object = world.objects[index];
  if (object === undefined) throw new Error(`faults: there is no ${kind} ${name} to break`);
  const body = withValue(object.body, path, to);
  const edited: KubeObject = { ...object, body: isObject(body) ? body : {} };
  return { ...world, objects: world.objects.with(index, edited) };
}

function backend(path: Path, to: Json | undefined): (world: World) => World {
  return (world) => edit(world, 'Deployment', 'backend', path, to);
}

function backendContainer(path: Path, to: Json | undefined): (world: World) => World {
  return backend([...CONTAINER, ...path], to);
}

/** One more item in a list of backend's. */
function backendList(path: Path, item: Json): (world: World) => World {
  return (world) => {
    const list = listAt(ofKind(world.objects, 'Deployment').find(({ name }) => name === 'backend')?.body, ...path);
    return edit(world, 'Deployment', 'backend', [...path, list.length], item);
  };
}

/** The same variable with another value, wherever it is given. */
function variable(name: string, value: Json): (world: World) => World {
  return (world) => backendList([...CONTAINER, 'env'], { name, value })(world);
}

function without(kind: string, name: string): (world: World) => World {
  return (world) => ({
    ...world,
    objects: world.objects.filter((object) => !(object.kind === kind && object.name.startsWith(name))),
  });
}

function values(path: Path, to: Json | undefined): (world: World) => World {
  return (world) => ({ ...world, spireValues: withValue(world.spireValues, path, to) });
}

function identity(name: string, path: Path, to: Json | undefined): (world: World) => World {
  return values([...CLUSTER_SPIFFE_IDS, name, ...path], to);
}

/** A policy of the network that opens what nobody granted. */
function opened(name: string, spec: Json): (world: World) => World {
  return (world) => {
    const { namespace } = world.identities;
    const body = {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name, namespace },
      spec,
    };
    const policy: KubeObject = { apiVersion: body.apiVersion, kind: body.kind, name, namespace, body };
    return { ...world, objects: [...world.objects, policy] };
  };
}

function replaced(kind: string, name: string, path: Path, from: string, to: string): (world: World) => World {
  return (world) => {
    const object = ofKind(world.objects, kind).find((one) => one.name.startsWith(name));
    const text = at(object?.body, ...path);
    if (typeof text !== 'string' || !text.includes(from)) throw new Error(`faults: no ${from} in ${kind} ${name}`);
    return edit(world, kind, name, path, text.replace(from, to));
  };
}

const BACKEND = /Deployment \w+\/backend/;

/** Of the lints of pods and what they refer to. */
export const OBJECT_FAULTS: readonly Fault[] = [
  fault(
    'pod-security',
    'privilege escalation',
    BACKEND,
    backendContainer(['securityContext', 'allowPrivilegeEscalation'], true),
  ),
  fault('pod-security', 'a privileged container', BACKEND, backendContainer(['securityContext', 'privileged'], true)),
  fault('pod-security', 'capabilities kept', BACKEND, backendContainer(['securityContext', 'capabilities'], undefined)),
  fault(
    'pod-security',
    'a capability added',
    BACKEND,
    backendContainer(['securityContext', 'capabilities', 'add'], ['SYS_PTRACE']),
  ),
  fault('pod-security', 'root', BACKEND, backend([...POD, 'securityContext', 'runAsUser'], 0)),
  fault('pod-security', 'root by its own word', BACKEND, backendContainer(['securityContext', 'runAsNonRoot'], false)),
  fault(
    'pod-security',
    'no seccomp profile',
    BACKEND,
    backend([...POD, 'securityContext', 'seccompProfile'], undefined),
  ),
  fault('pod-security', "the host's processes", BACKEND, backend([...POD, 'hostPID'], true)),
  fault('pod-security', "the host's network", BACKEND, backend([...POD, 'hostNetwork'], true)),
  fault(
    'pod-security',
    "the host's files",
    BACKEND,
    backendList([...POD, 'volumes'], { name: 'host', hostPath: { path: '/' } }),
  ),
  fault('pod-security', "the host's port", BACKEND, backendContainer(['ports', 0, 'hostPort'], 8443)),
  fault(
    'pod-security',
    'a probe elsewhere',
    BACKEND,
    backendContainer(['livenessProbe'], { tcpSocket: { host: '192.0.2.1', port: 80 } }),
  ),
  fault(
    'pod-security',
    'a sidecar that was forgotten',
    BACKEND,
    backend([...POD, 'initContainers'], [{ name: 'helper', image: 'a/b:1' }]),
  ),
  fault(
    'read-only-root',
    'a writable root',
    BACKEND,
    backendContainer(['securityContext', 'readOnlyRootFilesystem'], undefined),
  ),
  fault(
    'no-service-account-token',
    'the token mounted',
    BACKEND,
    backend([...POD, 'automountServiceAccountToken'], undefined),
  ),
  fault(
    'no-service-account-token',
    'a token projected',
    BACKEND,
    backendList([...POD, 'volumes'], {
      name: 'token',
      projected: { sources: [{ serviceAccountToken: { path: 'token' } }] },
    }),
  ),
  fault('namespace-restricted', 'not enforced', /Namespace/, (world) =>
    edit(
      world,
      'Namespace',
      world.identities.namespace,
      ['metadata', 'labels', 'pod-security.kubernetes.io/enforce'],
      'baseline',
    ),
  ),
  fault('namespace-restricted', 'not pinned', /Namespace/, (world) =>
    edit(
      world,
      'Namespace',
      world.identities.namespace,
      ['metadata', 'labels', 'pod-security.kubernetes.io/enforce-version'],
      'latest',
    ),
  ),
  fault('namespace-declared', 'no namespace', BACKEND, (world) =>
    without('Namespace', world.identities.namespace)(world),
  ),
  fault('volumes-exist', 'a mount of nothing', BACKEND, backendContainer(['volumeMounts', 0, 'name'], 'nothing')),
  fault(
    'volumes-exist',
    'a volume for nobody',
    BACKEND,
    backendList([...POD, 'volumes'], { name: 'spare', emptyDir: {} }),
  ),
  fault('config-exists', 'no ConfigMap', /StatefulSet \w+\/postgres/, without('ConfigMap', 'postgres-access')),
  fault(
    'config-exists',
    'no such key',
    BACKEND,
    backendContainer(['envFrom'], [{ configMapRef: { name: 'nowhere' } }]),
  ),
  fault(
    'config-exists',
    'no Secret',
    BACKEND,
    backendList([...POD, 'volumes'], { name: 'keys', secret: { secretName: 'keys' } }),
  ),
  fault('service-account-exists', 'no ServiceAccount', BACKEND, without('ServiceAccount', 'backend')),
  fault('governing-service-exists', 'no Service of the StatefulSet', /StatefulSet/, without('Service', 'postgres')),
  fault(
    'probe-port-exists',
    'a probe of no port',
    BACKEND,
    backendContainer(['readinessProbe'], { tcpSocket: { port: 'ready' } }),
  ),
  fault('port-name-valid', 'a long name', BACKEND, backendContainer(['ports', 0, 'name'], 'a-name-of-sixteen')),
  fault('service-selects-pods', 'another label', /Service \w+\/db-client/, (world) =>
    edit(world, 'Service', 'db-client', ['spec', 'selector'], { 'app.kubernetes.io/name': 'database' }),
  ),
  fault('service-selects-pods', 'another port', /Service \w+\/db-client/, (world) =>
    edit(world, 'Service', 'db-client', ['spec', 'ports', 0, 'targetPort'], 9445),
  ),
  fault(
    'selector-matches-template',
    'another label',
    BACKEND,
    backend(['spec', 'selector', 'matchLabels'], { app: 'backend' }),
  ),
  fault('disruption-budget', 'it selects nobody', /PodDisruptionBudget/, (world) =>
    edit(world, 'PodDisruptionBudget', 'backend', ['spec', 'selector', 'matchLabels'], { app: 'backend' }),
  ),
  fault('disruption-budget', 'no drain ends', /PodDisruptionBudget/, (world) =>
    edit(world, 'PodDisruptionBudget', 'backend', ['spec', 'maxUnavailable'], 0),
  ),
  fault('image-pinned', 'latest', BACKEND, backendContainer(['image'], 'docker.io/library/node:latest')),
  fault('image-pinned', 'no tag', BACKEND, backendContainer(['image'], 'docker.io/library/node')),
  fault('image-pinned', 'built nowhere', BACKEND, backendContainer(['image'], 'countersign/backends')),
  fault('env-is-text', 'a number', BACKEND, variable('RETRIES', 3)),
  fault('env-once', 'twice', BACKEND, (world) => variable('TWICE', 'a')(variable('TWICE', 'b')(world))),
  fault('resources-bounded', 'no limit of memory', BACKEND, backendContainer(['resources', 'limits'], undefined)),
  fault('readiness-probed', 'no probe', BACKEND, backendContainer(['readinessProbe'], undefined)),
];

/** Of the identity matrix, the edge matrix and what names an identity. */
export const SYSTEM_FAULTS: readonly Fault[] = [
  fault('identity-for-each', 'a workload without', /ClusterSPIFFEID rogue/, identity('rogue', [], undefined)),
  fault(
    'identity-for-each',
    'one for nobody',
    /ClusterSPIFFEID spare/,
    identity('spare', [], { podSelector: {}, namespaceSelector: {} }),
  ),
  fault(
    'identity-matrix',
    'another ID',
    BACKEND,
    identity('backend', ['spiffeIDTemplate'], 'spiffe://{{ .TrustDomain }}/backend'),
  ),
  fault('identity-matrix', 'another CN', BACKEND, identity('backend', ['dnsNameTemplates'], ['backend'])),
  fault(
    'identity-matrix',
    'nobody selects it',
    BACKEND,
    identity('backend', ['podSelector', 'matchLabels'], { app: 'backend' }),
  ),
  fault('identity-matrix', 'the namespace is not opted in', BACKEND, (world) =>
    edit(
      world,
      'Namespace',
      world.identities.namespace,
      ['metadata', 'labels', `${world.identities.trustDomain}/identity`],
      undefined,
    ),
  ),
  fault('identity-matrix', 'two select it', BACKEND, identity('rogue', ['podSelector', 'matchLabels'], {})),
  fault('identity-matrix', "another's ServiceAccount", BACKEND, backend([...POD, 'serviceAccountName'], 'db-client')),
  fault(
    'identity-matrix',
    'a selector that no agent sees',
    BACKEND,
    identity('backend', ['workloadSelectorTemplates'], ['k8s:sa:backends']),
  ),
  fault(
    'not-judged',
    'a template that is not understood',
    /fixture|kind/,
    identity('backend', ['spiffeIDTemplate'], 'spiffe://{{ index .PodMeta.Labels "a" }}'),
  ),
  fault(
    'identity-needs-service-account',
    'labels are enough',
    /ClusterSPIFFEID backend/,
    identity('backend', ['workloadSelectorTemplates'], undefined),
  ),
  fault('no-fallback-identity', 'a fallback', /ClusterSPIFFEID backend/, identity('backend', ['fallback'], true)),
  fault(
    'no-fallback-identity',
    'for every pod',
    /ClusterSPIFFEID backend/,
    identity('backend', ['podSelector'], undefined),
  ),
  fault('no-fallback-identity', "the chart's own", /ClusterSPIFFEID default/, identity('default', [], undefined)),
  fault(
    'class-named',
    'no class',
    /kind\/spire/,
    values(['spire-server', 'controllerManager', 'className'], undefined),
  ),
  fault('expected-server-id', 'another is expected', BACKEND, (world) =>
    variable('DB_CLIENT_SPIFFE_ID', world.identities.workload('postgres').spiffeId)(world),
  ),
  fault('expected-server-id', 'nobody is expected', BACKEND, variable('SPARE_ADDRESS', 'db-client:9444')),
  fault('known-identity', 'nobody', BACKEND, (world) =>
    variable('SPARE', `spiffe://${world.identities.trustDomain}/nobody`)(world),
  ),
  fault('policy-principal', 'nobody', /policies/, (world) => ({
    ...world,
    grants: { ...world.grants, [`spiffe://${world.identities.trustDomain}/nobody`]: {} },
  })),
  fault(
    'pg-ident',
    "another's role",
    /ConfigMap/,
    replaced('ConfigMap', 'postgres-access', ['data', 'pg_ident.conf'], '"db-client.', '"rogue.'),
  ),
  fault(
    'pg-ident',
    'no certificate',
    /ConfigMap/,
    replaced('ConfigMap', 'postgres-access', ['data', 'pg_hba.conf'], 'cert map=', 'trust map='),
  ),
  fault('edge-matrix', 'no way out', /backend -> db-client/, without('NetworkPolicy', 'backend-to-db-client-egress')),
  fault('edge-matrix', 'no way in', /backend -> db-client/, without('NetworkPolicy', 'backend-to-db-client-ingress')),
  fault(
    'edge-matrix',
    'a way too many',
    /backend -> postgres/,
    opened('open', { podSelector: {}, ingress: [{}], egress: [{}] }),
  ),
  fault('edge-matrix', 'a grant withdrawn', /backend -> db-client/, (world) => ({ ...world, grants: {} })),
  fault(
    'edge-closed',
    'everybody gets in',
    /the outside -> backend/,
    opened('open', { podSelector: {}, policyTypes: ['Ingress'], ingress: [{}] }),
  ),
  fault('edge-closed', 'no default deny', /the outside -> otel-collector/, (world) => ({
    ...world,
    objects: world.objects.filter(
      ({ kind, namespace }) => kind !== 'NetworkPolicy' || namespace === world.identities.namespace,
    ),
  })),
  fault(
    'edge-closed',
    'telemetry does not get through',
    /backend -> otel-collector/,
    without('NetworkPolicy', 'telemetry'),
  ),
  fault(
    'edge-outward',
    'the outside is open',
    BACKEND,
    opened('out', { podSelector: {}, policyTypes: ['Egress'], egress: [{ ports: [{ protocol: 'TCP', port: 443 }] }] }),
  ),
  fault('edge-outward', 'no DNS', BACKEND, (world) =>
    without('NetworkPolicy', 'dns')(without('NetworkPolicy', 'backend-dns')(world)),
  ),
  fault(
    'edge-outward',
    'DNS for who needs none',
    /StatefulSet \w+\/postgres/,
    opened('dns-for-all', {
      podSelector: {},
      policyTypes: ['Egress'],
      egress: [{ ports: [{ protocol: 'UDP', port: 53 }] }],
    }),
  ),
  fault('edge-upstream', 'a Service that is not there', BACKEND, variable('DB_CLIENT_GRPC_ADDRESS', 'database:9444')),
  fault('edge-upstream', 'a port that is not there', BACKEND, variable('DB_CLIENT_GRPC_ADDRESS', 'db-client:9445')),
  fault('edge-upstream', 'a grant that nobody uses', BACKEND, variable('DB_CLIENT_GRPC_ADDRESS', '')),
];

function fault(rule: string, title: string, names: RegExp, plant: (world: World) => World): Fault {
  return { rule, title, names, plant };
}
