/**
 * Another policy for the running services, and back: the bundle lies in a ConfigMap that each of them watches. Nothing
 * is rolled out, and what was allowed a moment ago is asked about again.
 */
import type { Identities } from '@countersign/identities';
import { LocalStackError } from '../errors.ts';
import type { ClusterLogs } from './cluster-logs.ts';
import { textAt } from './json.ts';
import type { Kubectl } from './kubectl.ts';
import { revisionOf } from './policy-bundles.ts';

const configMap = 'policy';
const key = 'bundle.tar.gz';

/** Services that decide by the policy. */
export const deciding = ['backend', 'db-client'];

/** The ConfigMap with the bundle. */
export interface PolicyConfigMap {
  read(): Promise<Buffer>;
  /** Puts a bundle in, and resolves with its revision when every pod that decides has loaded it. */
  write(bundle: Buffer): Promise<string>;
}

/** @param logs of the services that decide */
export function createPolicyConfigMap(
  kubectl: Kubectl,
  { namespace }: Pick<Identities, 'namespace'>,
  logs: ClusterLogs,
): PolicyConfigMap {
  const place = ['configmap', configMap, '-n', namespace];
  const policy: PolicyConfigMap = {
    async read() {
      const text = textAt(await kubectl.get(place), 'binaryData', key);
      if (text === '') throw new LocalStackError('CLUSTER_FAILED', `ConfigMap ${configMap} must hold ${key}`);
      return Buffer.from(text, 'base64');
    },
    async write(bundle) {
      const revision = revisionOf(bundle);
      if (bundle.equals(await policy.read())) return revision;
      const metadata = { name: configMap, namespace };
      const binaryData = { [key]: bundle.toString('base64') };
      const object = JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata, binaryData });
      await logs.untilEachHas(
        ({ record }) => record?.['event'] === 'policy' && record['revision'] === revision,
        async () => {
          await kubectl.run(['apply', '--server-side', '--force-conflicts', '-f', '-'], object);
          await hurry(kubectl, namespace);
        },
      );
      return revision;
    },
  };
  return policy;
}

/** A kubelet looks after a pod's volumes once a minute, and at once when something about the pod changed. */
async function hurry(kubectl: Kubectl, namespace: string): Promise<void> {
  const pods = ['pods', '-n', namespace, '-l', `app.kubernetes.io/name in (${deciding.join(',')})`];
  await kubectl.run(['annotate', ...pods, '--overwrite', `policy-changed-at=${new Date().toISOString()}`]);
}
