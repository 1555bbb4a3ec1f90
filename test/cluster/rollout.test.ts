/**
 * backend is replaced and scaled under load, up and down: no call fails, each new pod gets calls, and the
 * last one can't be evicted.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { ApiAnswer } from './suite/api.ts';
import { type Cluster, openCluster } from './suite/cluster.ts';
import { restart, rolledOut, scale } from './suite/deployments.ts';
import { eventually } from './suite/eventually.ts';
import { underLoad } from './suite/load.ts';
import { corePath, type Pod } from './suite/objects.ts';

let cluster: Cluster;

before(async () => {
  cluster = await openCluster();
});

after(async () => {
  if (cluster !== undefined) await scale(cluster.api, 'backend', 2);
  await cluster?.[Symbol.asyncDispose]();
});

const namesOf = (pods: readonly Pod[]) => pods.map(({ metadata }) => metadata.name);

/** Resolves when each of these pods has got calls: by gRPC, which is balanced call by call. */
async function untilServed(pods: readonly Pod[]): Promise<void> {
  for (const pod of namesOf(pods))
    await cluster.logs.waitFor(
      'backend',
      (record) => record['pod'] === pod && record['event'] === 'request' && record['transport'] === 'grpc',
      60_000,
    );
}

test('every pod of backend is replaced under load', async (t) => {
  const former = namesOf(await rolledOut(cluster.api, 'backend'));
  await underLoad(t, cluster, async () => {
    await restart(cluster.api, 'backend');
    const now = await rolledOut(cluster.api, 'backend');
    assert.deepEqual(
      namesOf(now).filter((name) => former.includes(name)),
      [],
    );
    await untilServed(now);
  });
});

test('backend goes from 2 pods to 3, to 1, and back to 2 under load', async (t) => {
  await underLoad(t, cluster, async (load) => {
    await scale(cluster.api, 'backend', 3);
    await untilServed(await rolledOut(cluster.api, 'backend'));
    await scale(cluster.api, 'backend', 1);
    await load.succeeded(10);
    await scale(cluster.api, 'backend', 2);
    await untilServed(await rolledOut(cluster.api, 'backend'));
  });
});

test('one of two pods is evicted under load, and the other is not while it is the last', async (t) => {
  const [first, second] = await rolledOut(cluster.api, 'backend');
  assert.ok(first && second);
  await underLoad(t, cluster, async () => {
    const evicted = await evict(first);
    assert.equal(evicted.status, 201, evicted.text);
    const refused = await evict(second);
    assert.equal(refused.status, 429, refused.text);
    assert.match(refused.text, /violate the pod's disruption budget/);
    assert.match(refused.text, /needs 1 healthy pods and has 1 currently/);
    await eventually(60_000, async () => {
      const names = namesOf(await rolledOut(cluster.api, 'backend'));
      assert.ok(names.includes(second.metadata.name) && !names.includes(first.metadata.name), names.join());
    });
  });
});

function evict({ metadata: { name, namespace } }: Pod): Promise<ApiAnswer> {
  const body = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace } };
  return cluster.api.send(`${corePath('pods', name)}/eviction`, { method: 'POST', body });
}
