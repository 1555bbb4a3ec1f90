/** A small system in which every lint is content, so that a test can plant one fault at a time: backend, db-client, PostgreSQL, Collector. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Identities, loadIdentities } from '@countersign/identities';
import { asJson, type Json } from './json.ts';
import { type KubeObject, toObject } from './objects.ts';
import { identityLabel, type World } from './world.ts';

const DOCUMENT = {
  trustDomain: 'example.org',
  namespace: 'apps',
  workloads: {
    backend: { calls: { 'db-client': { '/orders.v1.Orders/Get': { origins: { backend: {} } } } } },
    'db-client': { postgresRole: 'orders_rw' },
    postgres: {},
    rogue: {},
  },
};

/** The names by which faults find their objects. */
export function fixtureWorld(): World {
  const identities = loadFixtureIdentities();
  return {
    name: 'fixture',
    objects: [
      ...namespaces(identities),
      ...backend(identities),
      ...dbClient(identities),
      ...postgres(identities),
      ...collector(),
    ],
    guests: new Set(),
    identities,
    spireValues: asJson(spireValues(identities)),
    grants: identities.grants(),
    builtImages: new Set(['countersign/backend', 'countersign/db-client']),
  };
}

function loadFixtureIdentities(): Identities {
  const folder = mkdtempSync(join(tmpdir(), 'manifests-'));
  try {
    const file = join(folder, 'identities.json');
    writeFileSync(file, JSON.stringify(DOCUMENT));
    return loadIdentities(file);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function spireValues(identities: Identities) {
  const { namespace, trustDomain } = identities;
  const identity = (name: string) => ({
    spiffeIDTemplate: 'spiffe://{{ .TrustDomain }}/ns/{{ .PodMeta.Namespace }}/sa/{{ .PodSpec.ServiceAccountName }}',
    dnsNameTemplates: ['{{ .PodSpec.ServiceAccountName }}.{{ .PodMeta.Namespace }}.{{ .TrustDomain }}'],
    namespaceSelector: { matchLabels: { [identityLabel(identities)]: 'enabled' } },
    podSelector: { matchLabels: { 'app.kubernetes.io/name': name, [identityLabel(identities)]: 'workload' } },
    workloadSelectorTemplates: [`k8s:ns:${namespace}`, `k8s:sa:${name}`],
  });
  const off = Object.fromEntries(
    ['default', 'test-keys', 'oidc-discovery-provider'].map((name) => [name, { enabled: false }]),
  );
  const ours = Object.fromEntries(identities.names().map((name) => [name, identity(name)]));
  const controllerManager = { className: 'countersign', identities: { clusterSPIFFEIDs: { ...off, ...ours } } };
  return { global: { spire: { trustDomain, clusterName: 'test' } }, 'spire-server': { controllerManager } };
}

function object(document: unknown): KubeObject {
  return toObject(asJson(document), 'fixture');
}

function namespaces(identities: Identities): readonly KubeObject[] {
  return [
    { name: identities.namespace, labels: { [identityLabel(identities)]: 'enabled' } },
    { name: 'observability', labels: {} },
  ].flatMap(({ name, labels }) => {
    const modes = ['enforce', 'warn', 'audit'].flatMap((mode) => [
      [`pod-security.kubernetes.io/${mode}`, 'restricted'],
      [`pod-security.kubernetes.io/${mode}-version`, 'v1.36'],
    ]);
    const metadata = { name, labels: { ...labels, ...Object.fromEntries(modes) } };
    return [
      object({ apiVersion: 'v1', kind: 'Namespace', metadata }),
      policy('default-deny', name, {}, { policyTypes: ['Ingress', 'Egress'] }),
    ];
  });
}

/** A pod of one container, its ServiceAccount, a Service and the workload that makes it. */
function program(kind: 'Deployment' | 'StatefulSet', options: ProgramOptions): readonly KubeObject[] {
  const { name, namespace, ports, env = {}, volumes = [], labels = {} } = options;
  const metadata = { name, namespace };
  const container = {
    name,
    image: options.image,
    ports: Object.entries(ports).map(([port, containerPort]) => ({ name: port, containerPort })),
    env: Object.entries(env).map(([variable, value]) => ({ name: variable, value })),
    readinessProbe: { tcpSocket: { port: Object.keys(ports)[0] } },
    resources: { requests: { cpu: '10m', memory: '32Mi' }, limits: { memory: '64Mi' } },
    securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
    volumeMounts: volumes.map((volume) => ({ name: volume.name, mountPath: `/${volume.name}` })),
  };
  const spec = {
    serviceAccountName: name,
    automountServiceAccountToken: false,
    securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [container],
    volumes,
  };
  const appName = { 'app.kubernetes.io/name': name };
  const selector = { matchLabels: appName };
  const template = { metadata: { labels: { ...appName, ...labels } }, spec };
  const services = Object.entries(ports).filter(([port]) => port !== 'health');
  return [
    object({ apiVersion: 'v1', kind: 'ServiceAccount', metadata, automountServiceAccountToken: false }),
    object({
      apiVersion: 'v1',
      kind: 'Service',
      metadata,
      spec: {
        clusterIP: 'None',
        selector: appName,
        ports: services.map(([port, number]) => ({ name: port, port: number, targetPort: port })),
      },
    }),
    object({
      apiVersion: 'apps/v1',
      kind,
      metadata,
      spec: { ...(kind === 'StatefulSet' ? { serviceName: name } : {}), selector, template },
    }),
    object({ apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata, spec: { maxUnavailable: 1, selector } }),
  ];
}

interface ProgramOptions {
  readonly name: string;
  readonly namespace: string;
  readonly image: string;
  readonly ports: Readonly<Record<string, number>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly volumes?: readonly { readonly name: string; readonly [source: string]: unknown }[];
  readonly labels?: Readonly<Record<string, string>>;
}

const WORKLOAD_API = { name: 'spiffe-workload-api', csi: { driver: 'csi.spiffe.io', readOnly: true } };
const COLLECTOR = 'http://otel-collector.observability.svc:4318';

function backend(identities: Identities): readonly KubeObject[] {
  const { namespace } = identities;
  return [
    ...program('Deployment', {
      name: 'backend',
      namespace,
      image: 'countersign/backend',
      ports: { https: 8443, health: 8081 },
      env: {
        DB_CLIENT_GRPC_ADDRESS: 'db-client:9444',
        DB_CLIENT_SPIFFE_ID: identities.workload('db-client').spiffeId,
        OTEL_EXPORTER_OTLP_ENDPOINT: COLLECTOR,
      },
      volumes: [WORKLOAD_API],
      labels: { [identityLabel(identities)]: 'workload' },
    }),
    ...edge(namespace, 'backend', 'db-client', 'grpc'),
    ...dns(namespace, 'backend'),
    ...telemetry(namespace, 'backend'),
  ];
}

function dbClient(identities: Identities): readonly KubeObject[] {
  const { namespace } = identities;
  return [
    ...program('Deployment', {
      name: 'db-client',
      namespace,
      image: 'countersign/db-client',
      ports: { grpc: 9444, health: 8082 },
      env: { POSTGRES_ADDRESS: 'postgres:5432', POSTGRES_SPIFFE_ID: identities.workload('postgres').spiffeId },
      volumes: [WORKLOAD_API],
      labels: { [identityLabel(identities)]: 'workload' },
    }),
    ...edge(namespace, 'db-client', 'postgres', 'postgres'),
    ...dns(namespace, 'db-client'),
  ];
}

function postgres(identities: Identities): readonly KubeObject[] {
  const { namespace } = identities;
  const data = {
    'pg_hba.conf': 'hostssl "orders" "orders_rw" all cert map=spiffe\n',
    'pg_ident.conf': identities.pgIdentLines('spiffe'),
  };
  return [
    ...program('StatefulSet', {
      name: 'postgres',
      namespace,
      image: 'docker.io/library/postgres:18-bookworm',
      ports: { postgres: 5432 },
      volumes: [WORKLOAD_API, { name: 'configuration', configMap: { name: 'postgres-access' } }],
      labels: { [identityLabel(identities)]: 'workload' },
    }),
    object({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'postgres-access', namespace }, data }),
  ];
}

function collector(): readonly KubeObject[] {
  return program('Deployment', {
    name: 'otel-collector',
    namespace: 'observability',
    image: 'docker.io/otel/opentelemetry-collector-contrib:0.165.0',
    ports: { 'otlp-http': 4318 },
  });
}

function policy(name: string, namespace: string, podSelector: Json, rules: object): KubeObject {
  const spec = { podSelector, ...rules };
  return object({ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name, namespace }, spec });
}

function named(name: string) {
  return { matchLabels: { 'app.kubernetes.io/name': name } };
}

function inNamespace(name: string) {
  return { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': name } } };
}

function edge(namespace: string, from: string, to: string, port: string): readonly KubeObject[] {
  const ports = [{ protocol: 'TCP', port }];
  return [
    policy(`${from}-to-${to}-egress`, namespace, named(from), {
      policyTypes: ['Egress'],
      egress: [{ to: [{ podSelector: named(to) }], ports }],
    }),
    policy(`${from}-to-${to}-ingress`, namespace, named(to), {
      policyTypes: ['Ingress'],
      ingress: [{ from: [{ podSelector: named(from) }], ports }],
    }),
  ];
}

function dns(namespace: string, from: string): readonly KubeObject[] {
  const to = { ...inNamespace('kube-system'), podSelector: { matchLabels: { 'k8s-app': 'kube-dns' } } };
  const egress = [{ to: [to], ports: [{ protocol: 'UDP', port: 53 }] }];
  return [policy(`${from}-dns`, namespace, named(from), { policyTypes: ['Egress'], egress })];
}

function telemetry(namespace: string, from: string): readonly KubeObject[] {
  const ports = [{ protocol: 'TCP', port: 'otlp-http' }];
  const to = { ...inNamespace('observability'), podSelector: named('otel-collector') };
  const source = { ...inNamespace(namespace), podSelector: named(from) };
  return [
    policy('telemetry', namespace, named(from), { policyTypes: ['Egress'], egress: [{ to: [to], ports }] }),
    policy('telemetry', 'observability', named('otel-collector'), {
      policyTypes: ['Ingress'],
      ingress: [{ from: [source], ports }],
    }),
  ];
}
