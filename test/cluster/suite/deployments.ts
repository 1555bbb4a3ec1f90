/** Changes to Deployments, each waited for until it is over: every pod is of the newest kind and gets traffic. */
import assert from 'node:assert/strict';
import { type Api, type ApiAnswer, MERGE_PATCH } from './api.ts';
import { eventually } from './eventually.ts';
import { allPodsOf, corePath, type Deployment, deploymentPath, isReady, type Pod, podsOf } from './objects.ts';

/** Longer than a rollout of two pods takes on two cores under load. */
const ROLLOUT_MS = 240_000;

/** Scales, and resolves when there are as many pods and no more. */
export async function scale(api: Api, name: string, replicas: number): Promise<void> {
  await patch(api, name, { spec: { replicas } });
  await rolledOut(api, name);
}

/** Replaces every pod, as `kubectl rollout restart` does. */
export async function restart(api: Api, name: string): Promise<void> {
  const annotations = { 'kubectl.kubernetes.io/restartedAt': new Date().toISOString() };
  await patch(api, name, { spec: { template: { metadata: { annotations } } } });
  await rolledOut(api, name);
}

/** Resolves with the pods when there is nothing left to do. */
export async function rolledOut(api: Api, name: string): Promise<readonly Pod[]> {
  return await eventually(ROLLOUT_MS, async () => {
    const { metadata, spec, status } = await api.get<Deployment>(deploymentPath(name));
    assert.ok((status.observedGeneration ?? 0) >= (metadata.generation ?? 0), 'the change was not seen yet');
    const counts = [status.replicas, status.updatedReplicas, status.readyReplicas].map((count) => count ?? 0);
    assert.deepEqual(counts, [spec.replicas, spec.replicas, spec.replicas], `pods of ${name}: all, updated, ready`);
    const pods = await podsOf(api, name);
    assert.equal(pods.filter(isReady).length, spec.replicas);
    return pods;
  });
}

/** The same, when those that had to go are gone as well: a port forward to the Deployment may lead to one of them until then. */
export async function settled(api: Api, name: string): Promise<readonly Pod[]> {
  return await eventually(ROLLOUT_MS, async () => {
    const pods = await rolledOut(api, name);
    assert.equal((await allPodsOf(api, name)).length, pods.length, `pods of ${name} that are on their way out`);
    return pods;
  });
}

/** Resolves with a pod that gets traffic and is none of these: a rollout has begun, and goes well so far. */
export async function newPodOf(api: Api, name: string, former: readonly Pod[]): Promise<Pod> {
  const known = new Set(former.map(({ metadata }) => metadata.uid));
  return await eventually(ROLLOUT_MS, async () => {
    const [pod] = (await podsOf(api, name)).filter((it) => isReady(it) && !known.has(it.metadata.uid));
    assert.ok(pod, `no new pod of ${name} is ready`);
    return pod;
  });
}

/** Asks for a pod's eviction, as a node's drain does. A refusal is an answer. */
export function evict(api: Api, { metadata: { name, namespace } }: Pod): Promise<ApiAnswer> {
  const body = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace } };
  return api.send(`${corePath('pods', name)}/eviction`, { method: 'POST', body });
}

/** Asserts that a disruption budget refused it. */
export function assertOverBudget({ status, text }: ApiAnswer): void {
  assert.equal(status, 429, text);
  assert.match(text, /violate the pod's disruption budget/);
}

function patch(api: Api, name: string, body: object): Promise<void> {
  return api.apply(deploymentPath(name), { method: 'PATCH', body, contentType: MERGE_PATCH });
}
