/** The policy as the cluster has it: a ConfigMap with the bundle, of which changed copies are made here. */
import type { GrantsDocument } from '@countersign/identities';
import type { RecordPredicate } from '@countersign/local-stack';
import { readArchive } from '../../../packages/authz/src/bundle/bundle-archive.ts';
import { archive } from '../../../packages/authz/test/bundles.ts';
import { type Api, MERGE_PATCH } from './api.ts';
import type { Cluster } from './cluster.ts';
import { corePath, type ObjectMeta, podsOf } from './objects.ts';

const CONFIG_MAP = corePath('configmaps', 'policy');
const KEY = 'bundle.tar.gz';
const DECIDING = ['backend', 'db-client'];
/** The kubelet was told to look; it does so at its next turn. */
const SEEN_WITHIN_MS = 90_000;

interface ConfigMap {
  readonly metadata: ObjectMeta;
  readonly binaryData?: Readonly<Record<string, string>>;
}

/** The bundle that is in the ConfigMap. */
export async function readBundle(api: Api): Promise<Buffer> {
  const { binaryData } = await api.get<ConfigMap>(CONFIG_MAP);
  const bundle = binaryData?.[KEY];
  if (bundle === undefined) throw new Error(`ConfigMap policy has no ${KEY}`);
  return Buffer.from(bundle, 'base64');
}

/** Puts one there, and tells the kubelet to look at the pods that mount it: by itself it would within a minute or so. */
export async function writeBundle(api: Api, bundle: Buffer): Promise<void> {
  const body = { binaryData: { [KEY]: bundle.toString('base64') } };
  await api.apply(CONFIG_MAP, { method: 'PATCH', body, contentType: MERGE_PATCH });
  for (const workload of DECIDING)
    for (const { metadata } of await podsOf(api, workload)) await nudge(api, metadata.name);
}

function nudge(api: Api, pod: string): Promise<void> {
  const body = { metadata: { annotations: { 'policy-nudged-at': new Date().toISOString() } } };
  return api.apply(corePath('pods', pod), { method: 'PATCH', body, contentType: MERGE_PATCH });
}

/** Resolves when each pod that decides has said so of its policy, since the logs were opened. */
export async function untilEachSays({ api, logs }: Cluster, is: RecordPredicate): Promise<void> {
  for (const workload of DECIDING)
    for (const { metadata } of await podsOf(api, workload))
      await logs.waitFor(
        workload,
        (record) => record['event'] === 'policy' && record['pod'] === metadata.name && is(record),
        SEEN_WITHIN_MS,
      );
}

/** A bundle whose grants were edited, under a revision of its own. */
export async function withGrants(
  bundle: Buffer,
  revision: string,
  edit: (grants: GrantsDocument) => void,
): Promise<Buffer> {
  const files = await readArchive(bundle);
  const entries = [...files].map(([name, content]) => [`/${name.replace(/^\//, '')}`, content] as const);
  return await archive(entries.map(([name, content]) => [name, editFile({ name, content, revision, edit })]));
}

interface File {
  readonly name: string;
  readonly content: Uint8Array;
  readonly revision: string;
  edit(grants: GrantsDocument): void;
}

function editFile({ name, content, revision, edit }: File): Uint8Array | string {
  const text = () => Buffer.from(content).toString('utf8');
  if (name === '/.manifest') return JSON.stringify({ ...JSON.parse(text()), revision });
  if (name !== '/data.json') return content;
  const data: { grants: GrantsDocument } = JSON.parse(text());
  edit(data.grants);
  return JSON.stringify(data);
}
