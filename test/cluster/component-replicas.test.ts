/** The component `replicas`, put on under load: two of each service and three of backend, all in use; each can spare one pod. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { call } from '../integration/json-client.ts';
import { type Cluster, openCluster } from './suite/cluster.ts';
import { type AppliedComponent, applyComponent } from './suite/components.ts';
import { assertOverBudget, evict, rolledOut } from './suite/deployments.ts';
import { forward } from './suite/forward.ts';
import { underLoad } from './suite/load.ts';
import { idOf } from './suite/names.ts';
import { untilServed } from './suite/served.ts';

const REPLICAS = { customer: 2, backend: 3, 'db-client': 2 } as const;

let cluster: Cluster;
let component: AppliedComponent | undefined;

before(async () => {
  cluster = await openCluster();
});

after(async () => {
  await component?.[Symbol.asyncDispose]();
  await cluster?.[Symbol.asyncDispose]();
});

test('each has its pods, and each pod of backend and db-client gets calls; none fails', async (t) => {
  await underLoad(t, cluster, async () => {
    component = await applyComponent(cluster.api, 'replicas');
    for (const [workload, replicas] of Object.entries(REPLICAS)) {
      const pods = await rolledOut(cluster.api, workload);
      assert.equal(pods.length, replicas, workload);
      // db-client's Service has one address: each of its clients comes to another pod now and then, when its connection ends.
      if (workload !== 'customer') await untilServed(cluster.logs, workload, pods, 180_000);
    }
  });
});

test('each pod of customer is one', async () => {
  for (const { metadata } of await rolledOut(cluster.api, 'customer')) {
    await using edge = await forward(`pod/${metadata.name}`, 8080);
    const { status, body, text } = await call(`${edge.url}/api/hello?via=grpc`);
    assert.equal(status, 200, text);
    assert.ok(JSON.stringify(body).includes(idOf('customer')), text);
  }
});

for (const workload of Object.keys(REPLICAS))
  test(`one pod of ${workload} can go, and no other before its successor is there`, async () => {
    const [first, second] = await rolledOut(cluster.api, workload);
    assert.ok(first && second);
    const evicted = await evict(cluster.api, first);
    assert.equal(evicted.status, 201, evicted.text);
    assertOverBudget(await evict(cluster.api, second));
    await rolledOut(cluster.api, workload);
  });

test('taken off, everything is as it was', async () => {
  await component?.[Symbol.asyncDispose]();
});
