/**
 * Values of SPIRE's Helm charts. Helm takes a misspelt key without a word, and SPIRE then runs without what it was to say. So
 * every key that our files have is listed here, by hand, as the charts of this version document it.
 */
import { type Finding, quoted } from './findings.ts';
import { isList, isObject, type Json } from './json.ts';

/** The versions that the lists below were read for. */
export const CHARTS: Readonly<Record<string, string>> = { spire: '0.30.0', 'spire-crds': '0.6.0' };

/** `*` stands for a name of ours; what is below a key that ends in `**` is free, since it is not the chart's own shape. */
const SELECTOR = ['matchLabels.**', 'matchExpressions.**'];
const KEYS = [
  ...below('global.spire', [
    'trustDomain',
    'clusterName',
    'jwtIssuer',
    'caSubject.country',
    'caSubject.organization',
    'caSubject.commonName',
    'recommendations.enabled',
    'namespaces.create',
    'upstreamServerAddress',
  ]),
  ...below('spire-server', [
    'replicaCount',
    'caKeyType',
    'caTTL',
    'defaultX509SvidTTL',
    'defaultJwtSvidTTL',
    'logLevel',
    'persistence.type',
    'persistence.size',
    'persistence.storageClass',
    'resources.**',
    'topologySpreadConstraints.**',
    'federation.enabled',
    ...below('dataStore.sql', [
      'databaseType',
      'databaseName',
      'host',
      'port',
      'username',
      'options.**',
      'externalSecret.enabled',
      'externalSecret.name',
      'externalSecret.key',
    ]),
    ...below('upstreamAuthority.certManager', [
      'enabled',
      'issuerName',
      'issuerKind',
      'issuerGroup',
      'namespace',
      'ca.create',
    ]),
    ...below('upstreamAuthority.disk', ['enabled', 'secret.create', 'secret.name']),
    ...below('controllerManager', [
      'className',
      'watchClassless',
      ...below('identities.clusterSPIFFEIDs.*', [
        'admin',
        'annotations.**',
        'autoPopulateDNSNames',
        'dnsNameTemplates.**',
        'downstream',
        'enabled',
        'fallback',
        'federatesWith.**',
        'hint',
        'jwtTTL',
        'labels.**',
        'name',
        ...below('namespaceSelector', SELECTOR),
        ...below('podSelector', SELECTOR),
        'spiffeIDTemplate',
        'ttl',
        'type',
        'workloadSelectorTemplates.**',
      ]),
      ...below('identities.clusterFederatedTrustDomains.*', [
        'bundleEndpointProfile.endpointSPIFFEID',
        'bundleEndpointProfile.type',
        'bundleEndpointURL',
        'trustDomain',
        'trustDomainBundle',
      ]),
    ]),
  ]),
  ...below('spire-agent', [
    'logLevel',
    'resources.**',
    'socketAlternate.names.**',
    'fsGroupFix.image.registry',
    'fsGroupFix.image.repository',
    'fsGroupFix.image.tag',
    'workloadAttestors.k8s.verification.type',
  ]),
  'spiffe-oidc-discovery-provider.enabled',
];

/** Of cert-manager's csi-driver-spiffe, 0.15.0. */
const DRIVER_KEYS = below('app', [
  'trustDomain',
  'certificateRequestDuration',
  ...below('issuer', ['name', 'kind', 'group']),
  ...below('driver', ['sourceCABundle', 'volumes.**', 'volumeMounts.**']),
]);

/** Keys of SPIRE's values that no list has. @param file for the message */
export function chartKeyFaults(values: Json, file: string): readonly Finding[] {
  return unknownKeys(values, KEYS, file, `spire ${CHARTS['spire']}`);
}

/** The same of csi-driver-spiffe's. */
export function driverKeyFaults(values: Json, file: string): readonly Finding[] {
  return unknownKeys(values, DRIVER_KEYS, file, 'cert-manager-csi-driver-spiffe 0.15.0');
}

function unknownKeys(values: Json, keys: readonly string[], file: string, chart: string): readonly Finding[] {
  return leaves(values, []).flatMap((path) => {
    if (keys.some((key) => fits(key.split('.'), path))) return [];
    const says = `${quoted(path.join('.'))} is no documented key of the chart ${chart}, as far as it is listed here`;
    return [{ rule: 'chart-key', object: file, says }];
  });
}

const MENTIONS = [
  { chart: 'spire-crds', pattern: /spire-crds`?[ @]+v?(\d+\.\d+\.\d+)|--version (\d+\.\d+\.\d+) spire-crds/g },
  { chart: 'spire', pattern: /charts? `?spire`?[ @]+v?(\d+\.\d+\.\d+)|--version (\d+\.\d+\.\d+)[^\n]* spire spire/g },
];

/** Every version of a chart that a text names is the one that the lists were read for. */
export function chartVersionFaults(text: string, file: string): readonly Finding[] {
  return chartVersions(text)
    .filter(({ chart, version }) => version !== CHARTS[chart])
    .map(({ chart, version }) => ({
      rule: 'chart-version',
      object: file,
      says: `chart ${chart} is ${CHARTS[chart]} elsewhere, got ${version}`,
    }));
}

/** The versions of charts that a text names. */
export function chartVersions(text: string): readonly { chart: string; version: string }[] {
  return MENTIONS.flatMap(({ chart, pattern }) =>
    [...text.matchAll(pattern)].map(([, one, other]) => ({ chart, version: one ?? other ?? '' })),
  );
}

function below(prefix: string, keys: readonly string[]): readonly string[] {
  return keys.map((key) => `${prefix}.${key}`);
}

/** Paths of everything that is no mapping. An empty mapping is one too: it says something as well. */
function leaves(value: Json, path: readonly string[]): readonly (readonly string[])[] {
  if (isList(value) || !isObject(value) || Object.keys(value).length === 0) return [path];
  return Object.entries(value).flatMap(([key, one]) => leaves(one, [...path, key]));
}

function fits(key: readonly string[], path: readonly string[]): boolean {
  const isFree = key.at(-1) === '**';
  const fixed = isFree ? key.slice(0, -1) : key;
  if (isFree ? path.length < fixed.length : path.length !== fixed.length) return false;
  return fixed.every((step, index) => step === '*' || step === path[index]);
}
