/**
 * An order from the edge to PostgreSQL through the cluster, by both transports: each hop with its decision, the row as
 * PostgreSQL has it, and the spans as Jaeger has them.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { call } from '../integration/json-client.ts';
import { placeOrder, uniqueItem } from '../prove/orders.ts';
import { type Cluster, openCluster } from './suite/cluster.ts';
import { eventually } from './suite/eventually.ts';
import { forward } from './suite/forward.ts';
import { ADDRESSES, identities, idOf, NAMESPACES } from './suite/names.ts';
import { podsOf } from './suite/objects.ts';
import { type Probe, startProbe } from './suite/probe.ts';
import { readSpans } from './suite/spans.ts';
import { startTwin, type Twin } from './suite/twin.ts';

let cluster: Cluster;
/** In db-client's image, because that has a client for PostgreSQL; who it is, its ServiceAccount says. */
let auditor: Twin;
let probe: Probe;

before(async () => {
  cluster = await openCluster();
  auditor = await startTwin(cluster.api, { name: 'auditor', of: 'db-client', serviceAccount: 'auditor', idle: true });
  await auditor.ready();
  probe = startProbe(auditor.pod, auditor.container);
});

after(async () => {
  await probe?.[Symbol.asyncDispose]();
  await auditor?.[Symbol.asyncDispose]();
  await cluster?.[Symbol.asyncDispose]();
});

interface Hop {
  readonly from: string;
  readonly to: string;
  readonly transport: string;
  readonly decision: string;
  readonly decision_id: string;
}

async function placeAndSeeHops(via: 'http' | 'grpc') {
  const body = { item: uniqueItem('journey'), quantity: 2, customer: 'Ada', via };
  const answer = await call(`${cluster.edge.url}/api/orders`, { body });
  assert.equal(answer.status, 201, answer.text);
  const placed: { order: { id: string }; trace_id: string; hops: Hop[] } = JSON.parse(answer.text);
  return { ...placed, body };
}

for (const via of ['http', 'grpc'] as const) {
  test(`an order by ${via} takes three hops, each with its decision, and is in PostgreSQL with its origin`, async () => {
    const { order, hops, body } = await placeAndSeeHops(via);
    assert.deepEqual(
      hops.map(({ from, to, transport, decision }) => ({ from, to, transport, decision })),
      [
        { from: idOf('customer'), to: idOf('backend'), transport: via, decision: 'allow' },
        { from: idOf('backend'), to: idOf('db-client'), transport: 'grpc', decision: 'allow' },
        { from: idOf('db-client'), to: idOf('postgres'), transport: 'postgres', decision: 'allow' },
      ],
    );
    for (const [service, hop] of [
      ['backend', hops[0]],
      ['db-client', hops[1]],
    ] as const) {
      const record = await cluster.logs.waitFor(service, ({ decision_id: id }) => id === hop?.decision_id);
      assert.equal(record['peer'], hop?.from, 'the same decision in the log of who decided');
    }
    assert.deepEqual(await rowOf(order.id), { item: body.item, quantity: 2, created_by: idOf('customer') });
  });
}

/** The row, as whoever may only read sees it. */
async function rowOf(id: string): Promise<unknown> {
  const { status, text, rows } = await probe.ask({
    what: 'postgres',
    address: ADDRESSES.postgres.postgres,
    serverId: idOf('postgres'),
    user: identities.workload('auditor').postgresRole ?? '',
    database: 'orders',
    sql: 'SELECT item, quantity, created_by FROM orders WHERE id = $1',
    values: [id],
    presenting: 'current',
  });
  assert.equal(status, 'OK', text);
  return rows?.[0];
}

test("the order that auditor places is refused: the policy's decision is in the answer and in backend's log", async () => {
  const refused = await probe.ask({
    what: 'grpc',
    address: ADDRESSES.grpc.backend,
    serverId: idOf('backend'),
    method: '/countersign.orders.v1.OrderService/CreateOrder',
    presenting: 'current',
  });
  assert.equal(refused.status, '7', `PERMISSION_DENIED, got ${refused.status} ${refused.text}`);
  const record = await cluster.logs.waitFor(
    'backend',
    ({ event, peer, decision }) => event === 'request' && peer === idOf('auditor') && decision === 'deny',
  );
  assert.equal(record['status'], 'PERMISSION_DENIED');
  assert.match(String(record['decision_id']), /^[0-9a-f-]{36}$/);
});

test('both replicas of backend get calls, by both transports', async () => {
  const pods = (await podsOf(cluster.api, 'backend')).map(({ metadata }) => metadata.name);
  assert.equal(pods.length, 2, pods.join());
  await eventually(30_000, async () => {
    // HTTPS goes by connection, and each new one to either pod: many at once, so that there are many connections.
    const placed = [...Array(32).keys()].map((index) => {
      const via = index % 2 === 0 ? 'http' : 'grpc';
      return placeOrder(cluster.edge.url, { item: uniqueItem('replica'), via });
    });
    for (const { status, text } of await Promise.all(placed)) assert.equal(status, 201, text);
    for (const pod of pods)
      for (const transport of ['https', 'grpc']) {
        const served = cluster.logs.find('backend', (record) => {
          return record['pod'] === pod && record['event'] === 'request' && record['transport'] === transport;
        });
        assert.ok(served.length > 0, `${pod} got no call by ${transport}`);
      }
  });
});

test('the spans of an order are in Jaeger, and name who called whom', async () => {
  const { trace_id: traceId } = await placeAndSeeHops('grpc');
  await using jaeger = await forward('deployment/jaeger', 16686, NAMESPACES.observability);
  await eventually(45_000, async () => {
    const spans = await readSpans(jaeger.url, traceId);
    const seen = new Set(spans.map(({ service, tags }) => `${service} <-> ${tags.get('spiffe.peer.id') ?? 'nobody'}`));
    for (const [service, peer] of [
      ['customer', 'backend'],
      ['backend', 'customer'],
      ['backend', 'db-client'],
      ['db-client', 'backend'],
      ['db-client', 'postgres'],
    ] as const)
      assert.ok(seen.has(`${service} <-> ${idOf(peer)}`), `${service} and ${peer} are not in ${[...seen].join('; ')}`);
  });
});
