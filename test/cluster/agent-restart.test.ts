/** The node's SPIRE agent is deleted under load and comes back: no call fails, and everybody gets SVIDs of the new one. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Cluster, openCluster } from './suite/cluster.ts';
import { eventually } from './suite/eventually.ts';
import { underLoad } from './suite/load.ts';
import { NAME_LABEL, NAMESPACES } from './suite/names.ts';
import { corePath, isReady, type Pod, podsOf } from './suite/objects.ts';

const SERVICES = ['customer', 'backend', 'db-client'];

let cluster: Cluster;

before(async () => {
  cluster = await openCluster();
});

after(() => cluster?.[Symbol.asyncDispose]());

/** The agent of the one node. */
async function agent(): Promise<Pod> {
  const pods = await podsOf(cluster.api, 'agent', NAMESPACES.spireSystem);
  const [pod] = pods;
  assert.ok(
    pod !== undefined && pods.length === 1,
    `one agent, got ${pods.map(({ metadata }) => metadata.name).join()}`,
  );
  return pod;
}

/** Resolves when a service says that it has an SVID that it had not before. */
function newSvidOf({ name, labels }: Pod['metadata']): Promise<unknown> {
  return cluster.logs.waitFor(
    labels?.[NAME_LABEL] ?? '',
    ({ pod, event, changed }) =>
      pod === name && event === 'identity' && JSON.stringify(changed ?? {}).includes('"svid":true'),
    60_000,
  );
}

test("the agent's pod is deleted under load, and its successor serves everybody", async (t) => {
  const { metadata: former } = await agent();
  await underLoad(t, cluster, async (load) => {
    const pods = (await Promise.all(SERVICES.map((name) => podsOf(cluster.api, name)))).flat();
    await cluster.api.apply(corePath('pods', former.name, NAMESPACES.spireSystem), { method: 'DELETE' });
    await eventually(90_000, async () => {
      const now = await agent();
      assert.notEqual(now.metadata.uid, former.uid);
      assert.ok(isReady(now), 'the new agent is not ready yet');
    });
    for (const { metadata } of pods) await newSvidOf(metadata);
    await load.succeeded(10);
  });
});
