/**
 * The same images under another ServiceAccount: the network drops what they send; and where it is told to let them through,
 * each server refuses who they are, in the handshake, and says so.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { call } from '../integration/json-client.ts';
import { runAction } from './suite/actions.ts';
import { type Cluster, openCluster } from './suite/cluster.ts';
import { servedPorts } from './suite/edges.ts';
import { eventually } from './suite/eventually.ts';
import { forward } from './suite/forward.ts';
import { ADDRESSES, idOf } from './suite/names.ts';
import { addressOf, isReady, type Pod, podsOf } from './suite/objects.ts';
import { isRefusalOf, type Probe, startProbe } from './suite/probe.ts';
import { probeTcp } from './suite/tcp-probe.ts';
import { startTwin, type Twin } from './suite/twin.ts';

let cluster: Cluster;
let rogue: Twin;
let probe: Probe;

before(async () => {
  cluster = await openCluster();
  rogue = await startTwin(cluster.api, { name: 'rogue-probe', of: 'customer', serviceAccount: 'rogue', idle: true });
  await rogue.ready();
  probe = startProbe(rogue.pod, rogue.container);
});

after(async () => {
  await probe?.[Symbol.asyncDispose]();
  await rogue?.[Symbol.asyncDispose]();
  await cluster?.[Symbol.asyncDispose]();
});

/** Every port that somebody may open, of a pod that serves it. */
async function targets(): Promise<string[]> {
  const found = servedPorts().map(async ({ to, port }) => {
    const [pod] = (await podsOf(cluster.api, to)).filter(isReady);
    assert.ok(pod, `no pod of ${to} is ready`);
    return `${addressOf(pod)}:${port}`;
  });
  return await Promise.all(found);
}

async function eachIs(outcome: string): Promise<void> {
  const all = await targets();
  await eventually(40_000, async () => {
    const outcomes = await probeTcp(rogue.pod, rogue.container, all);
    assert.deepEqual(
      [...outcomes],
      all.map((target) => [target, outcome]),
    );
  });
}

test('it has a valid identity, and the network lets it reach nobody', async () => {
  assert.equal((await probe.identity()).spiffeId, idOf('rogue'));
  await eachIs('dropped');
});

test('where the network lets it through', async (t) => {
  try {
    await runAction('rogue', 'add');
    await t.test('every port can be reached', () => eachIs('connected'));
    for (const via of ['http', 'grpc'] as const)
      await t.test(`customer's program as rogue, by ${via}: backend refuses the peer`, () => refusedByBackend(via));
    for (const [service, address] of Object.entries(ADDRESSES.grpc))
      await t.test(`rogue directly, by gRPC: ${service} refuses the peer`, () => refusedDirectly(service, address));
    await t.test("db-client's program as rogue: PostgreSQL refuses the login", refusedByPostgres);
  } finally {
    await runAction('rogue', 'remove');
  }
  await t.test('and when the policies are gone, the network drops it again', () => eachIs('dropped'));
});

/** The pod of ServiceAccount rogue that runs a workload's image. */
async function rogueLike(workload: string): Promise<Pod> {
  return await eventually(60_000, async () => {
    const pods = (await podsOf(cluster.api, 'rogue')).filter(({ metadata }) => metadata.name !== rogue.pod);
    const [pod] = pods.filter(({ spec }) => spec.containers.some(({ image }) => image.includes(workload)));
    assert.ok(pod, `no pod of ${workload}'s image among ${pods.map(({ metadata }) => metadata.name).join()}`);
    assert.ok(pod.status.podIP, `${pod.metadata.name} has no address yet`);
    return pod;
  });
}

async function refusedByBackend(via: 'http' | 'grpc'): Promise<void> {
  const pod = await rogueLike('customer');
  await using edge = await forward(`pod/${pod.metadata.name}`, 8080);
  const transport = via === 'http' ? 'https' : 'grpc';
  const answer = await call(`${edge.url}/api/hello?via=${via}`);
  assert.ok([502, 503, 504].includes(answer.status), `${answer.status} ${answer.text}`);
  const record = await cluster.logs.waitFor('backend', ({ event, transport: by, remote }) => {
    return event === 'refused' && by === transport && JSON.stringify(remote).includes(`"${addressOf(pod)}"`);
  });
  assert.equal(record['code'], 'PEER_NOT_AUTHORIZED');
  assert.equal(record['peerId'], idOf('rogue'));
  assert.equal(record['self'], idOf('backend'));
}

async function refusedDirectly(service: string, address: string): Promise<void> {
  const method = '/countersign.orders.v1.OrderService/ListOrders';
  const serverId = idOf(service);
  const answer = await probe.ask({ what: 'grpc', address, serverId, method, presenting: 'current' });
  assert.equal(answer.status, 'ECONNRESET', `it sees its connection end, and nothing else: ${answer.text}`);
  const record = await cluster.logs.waitFor(service, isRefusalOf(answer));
  assert.equal(record['code'], 'PEER_NOT_AUTHORIZED');
  assert.equal(record['peerId'], idOf('rogue'));
}

async function refusedByPostgres(): Promise<void> {
  const from = addressOf(await rogueLike('db-client'));
  const record = await cluster.logs.waitFor(
    'postgres',
    ({ message }) => String(message).includes(` ${from} `) && String(message).includes('authentication failed'),
    60_000,
  );
  assert.match(String(record['message']), /FATAL: +certificate authentication failed for user "orders_rw"/);
}
