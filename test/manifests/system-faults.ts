/** Faults for the identity matrix, the edge matrix, and what names an identity. */
import {
  BACKEND,
  backend,
  edit,
  envoy,
  type Fault,
  fault,
  identity,
  opened,
  POD,
  replaced,
  values,
  variable,
  without,
} from './plant.ts';

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
  fault(
    'envoy-san',
    'another is accepted',
    /planted-envoy/,
    envoy(({ identities }) => [{ exact: identities.workload('postgres').spiffeId }]),
  ),
  fault(
    'envoy-san',
    'whoever is like it',
    /planted-envoy/,
    envoy(({ identities }) => [{ prefix: `spiffe://${identities.trustDomain}/` }]),
  ),
  fault(
    'envoy-san',
    'everybody',
    /planted-envoy/,
    envoy(() => []),
  ),
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
