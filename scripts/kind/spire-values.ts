/** The values of SPIRE's Helm chart that identities.json decides about: the trust domain, and who gets which identity. */
import type { Identities } from '../../packages/identities/src/index.ts';
import { identityLabel } from './kubernetes-objects.ts';
import type { Yaml } from './yaml.ts';

/** Beside the values that are written by hand. */
export function spireValues(identities: Identities): Yaml {
  const { trustDomain } = identities;
  const clusterSPIFFEIDs = Object.fromEntries(
    identities.names().map((name) => [name, clusterSpiffeId(identities, name)]),
  );
  return {
    global: { spire: { trustDomain, caSubject: { commonName: trustDomain } } },
    'spire-server': { controllerManager: { identities: { clusterSPIFFEIDs } } },
  };
}

/**
 * ZERO TRUST: labels choose pods, but the ID comes from the ServiceAccount, and the agent gives it to that ServiceAccount alone.
 * A pod that merely wears a workload's label gets nothing.
 */
function clusterSpiffeId(identities: Identities, name: string): Yaml {
  return {
    spiffeIDTemplate: 'spiffe://{{ .TrustDomain }}/ns/{{ .PodMeta.Namespace }}/sa/{{ .PodSpec.ServiceAccountName }}',
    // The first DNS name is the certificate's CN, by which PostgreSQL tells roles apart.
    dnsNameTemplates: ['{{ .PodSpec.ServiceAccountName }}.{{ .PodMeta.Namespace }}.{{ .TrustDomain }}'],
    namespaceSelector: { matchLabels: { [identityLabel(identities)]: 'enabled' } },
    podSelector: { matchLabels: { 'app.kubernetes.io/name': name, [identityLabel(identities)]: 'workload' } },
    workloadSelectorTemplates: [`k8s:ns:${identities.namespace}`, `k8s:sa:${name}`],
  };
}
