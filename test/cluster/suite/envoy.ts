/** What the component `envoy` was told, and the same with another server named. */
import assert from 'node:assert/strict';
import type { Api } from './api.ts';
import type { Manifest } from './manifests.ts';
import { idOf } from './names.ts';
import { corePath, type Volume } from './objects.ts';

/** Generated, with the IDs that Envoy accepts. */
const CLUSTERS = 'envoy-clusters';

/** A ConfigMap beside the component's own, until it is disposed of. */
export interface OtherClusters extends AsyncDisposable {
  /** The volume of a pod like the component's, with this one in it. */
  volume(own: Volume): Volume;
}

/** Names another server behind backend's address. */
export async function otherServerExpected(
  api: Api,
  objects: readonly Manifest[],
  spiffeId: string,
): Promise<OtherClusters> {
  const original = objects.find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name.startsWith(CLUSTERS));
  const { data } = { data: undefined, ...original };
  const text = JSON.stringify(data);
  assert.ok(text?.includes(idOf('backend')), 'the component names backend');
  const name = `${CLUSTERS}-other`;
  const body = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name },
    data: JSON.parse(text.replaceAll(idOf('backend'), spiffeId)),
  };
  await api.apply(corePath('configmaps'), { method: 'POST', body });
  return {
    volume: (own) => (own.name === CLUSTERS ? { ...own, configMap: { name } } : own),
    [Symbol.asyncDispose]: () => api.apply(corePath('configmaps', name), { method: 'DELETE' }),
  };
}
