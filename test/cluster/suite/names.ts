/** What things are called on the cluster. Identities and their names are not here: they are in `identities.json`. */
import { loadIdentities } from '@countersign/identities';

/** Who there is. */
export const identities = loadIdentities();

/** Namespaces by what is in them. */
export const NAMESPACES = {
  shop: identities.namespace,
  observability: 'observability',
  spireServer: 'spire-server',
  spireSystem: 'spire-system',
} as const;

/** The label by which a workload's pods are found, by Services and NetworkPolicies too. */
export const NAME_LABEL = 'app.kubernetes.io/name';

/** Workloads that run all the time. */
export const RUNNING = ['customer', 'backend', 'db-client', 'postgres'] as const;

/** Where workloads are for each other, by Service name and transport, as the manifests have it. */
export const ADDRESSES = {
  https: { backend: 'backend:8443' },
  grpc: { backend: 'backend-grpc:9443', 'db-client': 'db-client:9444' },
  postgres: { postgres: 'postgres:5432' },
} as const;

/** The SPIFFE ID of a workload of `identities.json`. */
export function idOf(workload: string): string {
  return identities.workload(workload).spiffeId;
}
