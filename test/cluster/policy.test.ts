/** The policy's ConfigMap is changed while everything runs: the next decisions follow, and a broken bundle changes nothing. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { call } from '../integration/json-client.ts';
import { placeOrder, uniqueItem } from '../prove/orders.ts';
import { type Cluster, openCluster } from './suite/cluster.ts';
import { idOf } from './suite/names.ts';
import { type Pod, podsOf } from './suite/objects.ts';
import { readBundle, untilEachSays, withGrants, writeBundle } from './suite/policy-bundle.ts';

let cluster: Cluster;
let original: Buffer;

before(async () => {
  cluster = await openCluster();
  original = await readBundle(cluster.api);
});

after(async () => {
  if (original !== undefined) await writeBundle(cluster.api, original);
  await cluster?.[Symbol.asyncDispose]();
});

const restarts = ({ metadata, status }: Pod) => [
  metadata.uid,
  status.containerStatuses?.map((it) => it.restartCount).join(),
];

async function place(via: 'http' | 'grpc') {
  return await placeOrder(cluster.edge.url, { item: uniqueItem('policy'), via });
}

test('a grant that is taken out is refused by both transports, with a decision, until it is back; nothing restarts', async () => {
  const before = (await podsOf(cluster.api, 'backend')).map(restarts);
  const revision = `test-${Date.now()}`;
  const narrowed = await withGrants(original, revision, (grants) => {
    const ofCustomer = grants[idOf('backend')]?.[idOf('customer')];
    assert.ok(ofCustomer?.['POST /orders'], 'there is such a grant');
    delete ofCustomer['POST /orders'];
    delete ofCustomer['/countersign.orders.v1.OrderService/CreateOrder'];
  });
  await writeBundle(cluster.api, narrowed);
  await untilEachSays(cluster, ({ state, revision: now }) => state === 'loaded' && now === revision);
  for (const via of ['http', 'grpc'] as const) {
    const { status, text } = await place(via);
    assert.equal(status, 403, `${via}: ${text}`);
    const { decision_id: id }: { decision_id?: string } = JSON.parse(text);
    assert.match(String(id), /^[0-9a-f-]{36}$/);
    const record = await cluster.logs.waitFor('backend', ({ decision_id: logged }) => logged === id);
    assert.equal(record['decision'], 'deny');
    assert.equal(record['peer'], idOf('customer'));
  }
  assert.equal(
    (await call(`${cluster.edge.url}/api/orders?page_size=1`)).status,
    200,
    'what is still granted is allowed',
  );
  const restored = `restored-${revision}`;
  await writeBundle(cluster.api, await withGrants(original, restored, () => {}));
  await untilEachSays(cluster, ({ state, revision: now }) => state === 'loaded' && now === restored);
  for (const via of ['http', 'grpc'] as const) assert.equal((await place(via)).status, 201);
  assert.deepEqual((await podsOf(cluster.api, 'backend')).map(restarts), before, 'the same pods, never restarted');
});

test('a bundle that is broken is not taken into use: the last good one goes on to decide', async () => {
  await writeBundle(cluster.api, Buffer.from('no bundle'));
  await untilEachSays(cluster, ({ state, code }) => state === 'loaded' && code === 'BUNDLE_INVALID');
  for (const via of ['http', 'grpc'] as const) assert.equal((await place(via)).status, 201);
});
