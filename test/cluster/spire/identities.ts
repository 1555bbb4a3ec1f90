/** The custom resources that the chart makes from its values `identities`: names, class and selectors as the chart has them. */
import { type Fields, fields, list, only } from '../fields.ts';
import type { SpireValues } from './values.ts';

/** Release name and namespace as `kind/spire/install.sh` gives them; the chart puts them before each name. */
const RELEASE = 'spire-mgmt-spire';

/** Where the chart's own ClusterSPIFFEIDs never look: the release's namespace and those of SPIRE. */
const OWN_NAMESPACES = ['spire-mgmt', 'spire-server', 'spire-system'];

const CLUSTER_SPIFFE_ID = [
  'annotations',
  'labels',
  'admin',
  'autoPopulateDNSNames',
  'dnsNameTemplates',
  'downstream',
  'enabled',
  'fallback',
  'federatesWith',
  'hint',
  'jwtTTL',
  'namespaceSelector',
  'podSelector',
  'spiffeIDTemplate',
  'ttl',
  'workloadSelectorTemplates',
];

const FEDERATED = ['enabled', 'trustDomain', 'bundleEndpointURL', 'bundleEndpointProfile', 'trustDomainBundle'];

export function renderIdentities(values: SpireValues): object[] {
  return [
    ...[...values.clusterSpiffeIds].map(([name, id]) => clusterSpiffeId(name, id, values.className)),
    ...[...values.clusterFederatedTrustDomains].map(([name, it]) => federatedTrustDomain(name, it, values.className)),
  ];
}

function clusterSpiffeId(name: string, value: Fields, className: string): object {
  const { annotations, labels, enabled: _, jwtTTL, namespaceSelector, ...spec } = only(value, CLUSTER_SPIFFE_ID, name);
  return {
    apiVersion: 'spire.spiffe.io/v1alpha1',
    kind: 'ClusterSPIFFEID',
    metadata: { name: `${RELEASE}-${name}`, annotations, labels },
    spec: {
      ...spec,
      className,
      // The one key that the resource spells otherwise.
      jwtTtl: jwtTTL,
      namespaceSelector: outsideOfSpire(fields(namespaceSelector ?? {}, name), name),
    },
  };
}

function outsideOfSpire(selector: Fields, name: string): object {
  const others = { key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: OWN_NAMESPACES };
  return { ...selector, matchExpressions: [...list(selector['matchExpressions'], name), others] };
}

function federatedTrustDomain(name: string, value: Fields, className: string): object {
  const { enabled: _, ...spec } = only(value, FEDERATED, name);
  return {
    apiVersion: 'spire.spiffe.io/v1alpha1',
    kind: 'ClusterFederatedTrustDomain',
    metadata: { name: `${RELEASE}-${name}` },
    spec: { ...spec, className },
  };
}
