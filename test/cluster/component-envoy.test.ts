/**
 * The component `envoy`: what is sent to Envoy in customer's pod, without a word of SPIFFE, leaves as the pod's own identity, to
 * the one server that was named. Nobody outside of the pod reaches it, and beside another identity it opens nothing.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { call } from '../integration/json-client.ts';
import { placeOrder, uniqueItem } from '../prove/orders.ts';
import { runAction } from './suite/actions.ts';
import { type Api, openApi } from './suite/api.ts';
import { type AppliedComponent, applyComponent } from './suite/components.ts';
import { settled } from './suite/deployments.ts';
import { otherServerExpected } from './suite/envoy.ts';
import { eventually } from './suite/eventually.ts';
import { forward, openEdge } from './suite/forward.ts';
import { openLogs, type PodLogs } from './suite/logs.ts';
import { idOf } from './suite/names.ts';
import { addressOf, type Pod } from './suite/objects.ts';
import { withTtl } from './suite/spire.ts';
import { probeTcp } from './suite/tcp-probe.ts';
import { startTwin } from './suite/twin.ts';

/** Where Envoy takes plain requests, in its pod; and where it says that it is ready. */
const [PLAIN, READY] = [8079, 8078];

let api: Api;
let logs: PodLogs;
let component: AppliedComponent;
/** customer's, with Envoy in it. */
let pod: Pod;

before(async () => {
  api = await openApi();
  logs = await openLogs(api, ['backend', 'db-client']);
  component = await applyComponent(api, 'envoy');
  const [first, ...others] = await settled(api, 'customer');
  assert.ok(first !== undefined && others.length === 0);
  pod = first;
});

after(async () => {
  await component?.[Symbol.asyncDispose]();
  await logs?.[Symbol.asyncDispose]();
  await api?.[Symbol.asyncDispose]();
});

/** A plain request to Envoy, through a port forward, as the component's own comment says it. */
async function ask(path: string, name = pod.metadata.name) {
  await using envoy = await forward(`pod/${name}`, PLAIN);
  return await call(`${envoy.url}${path}`);
}

/** What backend said of each, in the order in which they came. */
const greetings = () =>
  logs.find('backend', ({ event, operation }) => event === 'request' && operation === 'GET /hello');

test('customer itself goes on beside it', async () => {
  await using edge = await openEdge();
  for (const via of ['http', 'grpc'] as const) {
    const { status, text } = await placeOrder(edge.url, { item: uniqueItem('envoy'), via });
    assert.equal(status, 201, text);
  }
});

test("what Envoy sends comes from the pod's own identity", async () => {
  const { status, text } = await ask('/hello');
  assert.equal(status, 200, text);
  assert.ok(text.includes(idOf('customer')), text);
  const record = await logs.waitFor('backend', ({ event, operation }) => {
    return event === 'request' && operation === 'GET /hello';
  });
  assert.equal(record['status'], 200);
  assert.equal(record['peer'], idOf('customer'));
  assert.equal(record['decision'], 'allow');
  assert.equal(record['txn'], undefined, 'it brings no caller chain');
});

test('it brings no caller chain: who acts only for granted origins takes backend for the origin, and refuses', async () => {
  const { status, text } = await ask('/orders?page_size=1');
  assert.equal(status, 403, text);
  const record = await logs.waitFor('db-client', ({ event, decision }) => event === 'request' && decision === 'deny');
  assert.equal(record['reason'], 'origin-not-allowed');
  assert.deepEqual([record['peer'], record['origin']], [idOf('backend'), idOf('backend')]);
});

test('only the pod itself reaches it', async () => {
  const [local, address] = [`127.0.0.1:${PLAIN}`, `${addressOf(pod)}:${PLAIN}`];
  const within = await probeTcp(pod.metadata.name, 'customer', [local, address]);
  assert.deepEqual([within.get(local), within.get(address)], ['connected', 'ECONNREFUSED']);
  const options = { name: 'plain-client', of: 'customer', serviceAccount: 'auditor', idle: true };
  await using other = await startTwin(api, options);
  await other.ready();
  const targets = [address, `${addressOf(pod)}:${READY}`];
  await eventually(30_000, async () => {
    const outcomes = await probeTcp(other.pod, other.container, targets);
    assert.deepEqual(
      targets.map((target) => outcomes.get(target)),
      ['dropped', 'dropped'],
    );
  });
});

test('beside rogue it opens nothing: backend refuses the peer', async () => {
  await runAction('rogue', 'add');
  try {
    await using rogue = await startTwin(api, { name: 'envoy-rogue', of: 'customer', serviceAccount: 'rogue' });
    const address = addressOf(await rogue.ready(60_000));
    const { status, text } = await ask('/hello', rogue.pod);
    assert.equal(status, 503, text);
    const record = await logs.waitFor(
      'backend',
      ({ event, remote }) => event === 'refused' && JSON.stringify(remote).includes(`"${address}"`),
    );
    assert.deepEqual([record['code'], record['peerId']], ['PEER_NOT_AUTHORIZED', idOf('rogue')]);
  } finally {
    await runAction('rogue', 'remove');
  }
});

test('a server that is somebody else is refused by Envoy, and gets no request', async () => {
  await using clusters = await otherServerExpected(api, component.objects, idOf('db-client'));
  const options = { name: 'envoy-other', of: 'customer', serviceAccount: 'customer', volume: clusters.volume };
  await using other = await startTwin(api, options);
  await other.ready(60_000);
  const before = greetings().length;
  const { status, text } = await ask('/hello', other.pod);
  assert.equal(status, 503, text);
  assert.match(text, /remote connection failure/);
  // One that arrives, so that everything before it would have been told.
  assert.equal((await ask('/hello')).status, 200);
  await eventually(20_000, () => assert.equal(greetings().length, before + 1));
});

test('it goes on with renewed certificates, and no request fails', async () => {
  const before = greetings().length;
  const serials = () =>
    new Set(
      greetings()
        .slice(before)
        .map((record) => record['peer_serial']),
    );
  await withTtl(api, { workloads: ['customer'], ttl: '40s' }, async () => {
    // Of its own: a connection that was made before is good for an hour.
    await using other = await startTwin(api, { name: 'envoy-renewed', of: 'customer', serviceAccount: 'customer' });
    await other.ready(60_000);
    await using envoy = await forward(`pod/${other.pod}`, PLAIN);
    const failed: string[] = [];
    await eventually(90_000, async () => {
      const { status, text } = await call(`${envoy.url}/hello`);
      if (status !== 200) failed.push(`${status} ${text}`);
      assert.ok(serials().size >= 2, `serials so far: ${[...serials()].join()}`);
    });
    assert.deepEqual(failed, []);
  });
});

test('taken off, everything is as it was', async () => {
  await component[Symbol.asyncDispose]();
});
