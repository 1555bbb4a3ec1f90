/**
 * backend and db-client are replaced under load, and backend is scaled, up and down: no call fails, each new pod gets calls, and
 * the last one can't be evicted.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Cluster, openCluster } from './suite/cluster.ts';
import { assertOverBudget, evict, restart, rolledOut, scale } from './suite/deployments.ts';
import { eventually } from './suite/eventually.ts';
import { underLoad } from './suite/load.ts';
import { namesOf } from './suite/objects.ts';
import { untilServed } from './suite/served.ts';

let cluster: Cluster;

before(async () => {
  cluster = await openCluster();
});

after(async () => {
  if (cluster !== undefined) await scale(cluster.api, 'backend', 2);
  await cluster?.[Symbol.asyncDispose]();
});

for (const workload of ['backend', 'db-client'])
  test(`every pod of ${workload} is replaced under load`, async (t) => {
    const former = namesOf(await rolledOut(cluster.api, workload));
    await underLoad(t, cluster, async () => {
      await restart(cluster.api, workload);
      const now = await rolledOut(cluster.api, workload);
      assert.deepEqual(
        namesOf(now).filter((name) => former.includes(name)),
        [],
      );
      await untilServed(cluster.logs, workload, now);
    });
  });

test('backend goes from 2 pods to 3, to 1, and back to 2 under load', async (t) => {
  await underLoad(t, cluster, async (load) => {
    await scale(cluster.api, 'backend', 3);
    await untilServed(cluster.logs, 'backend', await rolledOut(cluster.api, 'backend'));
    await scale(cluster.api, 'backend', 1);
    await load.succeeded(10);
    await scale(cluster.api, 'backend', 2);
    await untilServed(cluster.logs, 'backend', await rolledOut(cluster.api, 'backend'));
  });
});

test('one of two pods is evicted under load, and the other is not while it is the last', async (t) => {
  const [first, second] = await rolledOut(cluster.api, 'backend');
  assert.ok(first && second);
  await underLoad(t, cluster, async () => {
    const evicted = await evict(cluster.api, first);
    assert.equal(evicted.status, 201, evicted.text);
    const refused = await evict(cluster.api, second);
    assertOverBudget(refused);
    assert.match(refused.text, /needs 1 healthy pods and has 1 currently/);
    await eventually(60_000, async () => {
      const names = namesOf(await rolledOut(cluster.api, 'backend'));
      assert.ok(names.includes(second.metadata.name) && !names.includes(first.metadata.name), names.join());
    });
  });
});
