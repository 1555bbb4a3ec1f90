/** SPIRE on the cluster: the ClusterSPIFFEIDs of the controller manager, and the server's own commands. */
import { createKubectl } from '../../../packages/local-stack/src/kind/kubectl.ts';
import { createClusterSpire } from '../../../packages/local-stack/src/kind/spire-server.ts';
import { type Api, MERGE_PATCH } from './api.ts';
import { identities } from './names.ts';
import type { ListOf, ObjectMeta } from './objects.ts';

const PATH = '/apis/spire.spiffe.io/v1alpha1/clusterspiffeids';

/** A ClusterSPIFFEID, as far as it is looked at; all of its specification is kept when it is copied. */
export interface ClusterSpiffeId {
  readonly metadata: ObjectMeta;
  readonly spec: {
    readonly className?: string;
    readonly spiffeIDTemplate: string;
    readonly podSelector?: { readonly matchLabels?: Readonly<Record<string, string>> };
    readonly workloadSelectorTemplates?: readonly string[];
    readonly ttl?: string;
    readonly fallback?: boolean;
  };
  readonly status?: { readonly stats?: Readonly<Record<string, number>> };
}

/** All of them. */
export async function clusterSpiffeIds(api: Api): Promise<readonly ClusterSpiffeId[]> {
  return (await api.get<ListOf<ClusterSpiffeId>>(PATH)).items;
}

/** One by its name, which on this cluster begins with nothing but the workload's. */
export async function clusterSpiffeIdOf(api: Api, workload: string): Promise<ClusterSpiffeId> {
  const all = await clusterSpiffeIds(api);
  const found = all.find(({ spec }) => Object.values(spec.podSelector?.matchLabels ?? {}).includes(workload));
  if (found === undefined) throw new Error(`no ClusterSPIFFEID selects ${workload}: ${all.map(nameOf).join(', ')}`);
  return found;
}

const nameOf = ({ metadata }: ClusterSpiffeId) => metadata.name;

/** A copy of one: under another name, and for pods with another label. Who gets it is still told by the ServiceAccount. */
export interface ClusterSpiffeIdCopy {
  readonly name: string;
  /** The label's value in the original, and in the copy. */
  readonly from: string;
  readonly to: string;
}

/** Makes a copy. */
export async function addClusterSpiffeId(api: Api, like: ClusterSpiffeId, copy: ClusterSpiffeIdCopy): Promise<void> {
  const labels = Object.entries(like.spec.podSelector?.matchLabels ?? {});
  const matchLabels = Object.fromEntries(labels.map(([key, value]) => [key, value === copy.from ? copy.to : value]));
  const spec = { ...like.spec, podSelector: { ...like.spec.podSelector, matchLabels } };
  const body = { apiVersion: 'spire.spiffe.io/v1alpha1', kind: 'ClusterSPIFFEID', metadata: { name: copy.name }, spec };
  await api.apply(PATH, { method: 'POST', body });
}

/** Takes one away, if it is there. */
export async function removeClusterSpiffeId(api: Api, name: string): Promise<void> {
  await api.send(`${PATH}/${name}`, { method: 'DELETE' });
}

/** Resolves when the controller manager's webhook is asked and answers: it serves TLS with a certificate of SPIRE's own. */
export async function assertWebhookWorks(api: Api): Promise<void> {
  const [any] = await clusterSpiffeIds(api);
  if (any === undefined) throw new Error('there is no ClusterSPIFFEID');
  const body = { metadata: { annotations: { 'webhook-asked-at': new Date().toISOString() } } };
  await api.apply(`${PATH}/${any.metadata.name}?dryRun=All`, { method: 'PATCH', body, contentType: MERGE_PATCH });
}

/** Has SVIDs of some workloads live otherwise while `action` runs; an agent replaces those of an entry that was changed. */
export async function withTtl<T>(
  api: Api,
  { workloads, ttl }: { readonly workloads: readonly string[]; readonly ttl: string },
  action: () => Promise<T>,
): Promise<T> {
  const changed = await Promise.all(workloads.map((workload) => clusterSpiffeIdOf(api, workload)));
  const set = async (to: (former: ClusterSpiffeId) => string | null) => {
    for (const one of changed) {
      const body = { spec: { ttl: to(one) } };
      await api.apply(`${PATH}/${one.metadata.name}`, { method: 'PATCH', body, contentType: MERGE_PATCH });
    }
  };
  await set(() => ttl);
  try {
    return await action();
  } finally {
    await set(({ spec }) => spec.ttl ?? null);
  }
}

/** The server's own commands, as the actions run them. */
export const spireServer = createClusterSpire(createKubectl());

/** A registration entry. */
export interface Entry {
  readonly spiffeId: string;
  readonly selectors: readonly string[];
  readonly dnsNames: readonly string[];
}

interface EntriesDocument {
  readonly entries: ReadonlyArray<{
    readonly spiffe_id: { readonly trust_domain: string; readonly path: string };
    readonly selectors: ReadonlyArray<{ readonly type: string; readonly value: string }>;
    readonly dns_names?: readonly string[];
  }>;
}

/** Entries of workloads; those of the agents themselves are not among them. */
export async function workloadEntries(): Promise<readonly Entry[]> {
  const document: EntriesDocument = JSON.parse(await spireServer.command(['entry', 'show', '-output', 'json']));
  return document.entries
    .map(({ spiffe_id: id, selectors, dns_names: dnsNames = [] }) => ({
      spiffeId: `spiffe://${id.trust_domain}${id.path}`,
      selectors: selectors.map(({ type, value }) => `${type}:${value}`),
      dnsNames,
    }))
    .filter(({ spiffeId }) => !spiffeId.startsWith(`spiffe://${identities.trustDomain}/spire/`));
}
