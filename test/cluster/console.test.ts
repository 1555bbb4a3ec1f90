/**
 * The console on the cluster: what happens is on its page's stream, from the services' telemetry by way of the Collector. It
 * watches and does nothing, and nothing waits for it.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { call } from '../integration/json-client.ts';
import { placeOrder, uniqueItem } from '../prove/orders.ts';
import { runAction } from './suite/actions.ts';
import { type Cluster, openCluster } from './suite/cluster.ts';
import { type OpenConsole, openConsole } from './suite/console.ts';
import { eventually } from './suite/eventually.ts';
import { forward } from './suite/forward.ts';
import { kubectl } from './suite/kubectl.ts';
import { idOf, NAMESPACES } from './suite/names.ts';
import { type Pod, podsOf } from './suite/objects.ts';
import { readSpans } from './suite/spans.ts';
import { withTtl } from './suite/spire.ts';

const SERVICES = ['customer', 'backend', 'db-client'] as const;

let cluster: Cluster;
let page: OpenConsole;

before(async () => {
  cluster = await openCluster();
  page = await openConsole();
});

after(async () => {
  await page?.[Symbol.asyncDispose]();
  await cluster?.[Symbol.asyncDispose]();
});

async function order(
  via: 'http' | 'grpc',
): Promise<{ readonly traceId: string; readonly decisionIds: readonly string[] }> {
  const { status, text } = await placeOrder(cluster.edge.url, { item: uniqueItem('console'), via });
  assert.equal(status, 201, text);
  const answer: { trace_id: string; hops: ReadonlyArray<{ decision_id?: string }> } = JSON.parse(text);
  return { traceId: answer.trace_id, decisionIds: answer.hops.flatMap(({ decision_id: id }) => id ?? []) };
}

const workloadOf = (name: string) => page.state().workloads.find(({ id }) => id === idOf(name));

test('an order by each way is a trace through all services, with the decisions of the way', async () => {
  for (const via of ['http', 'grpc'] as const) {
    const { traceId, decisionIds } = await order(via);
    assert.ok(decisionIds.length >= 2);
    await eventually(30_000, () => {
      const trace = page.state().traces.find((it) => it.traceId === traceId);
      assert.deepEqual(
        SERVICES.filter((service) => !trace?.services.includes(service)),
        [],
      );
      const known = new Set(page.state().decisions.map(({ id }) => id));
      // PostgreSQL decides by its map, and logs no decision.
      assert.ok(decisionIds.filter((id) => known.has(id)).length >= 2, `${decisionIds.join()} in ${[...known].join()}`);
    });
    const { status, text } = await call(`${page.url}/api/traces/${traceId}`);
    assert.equal(status, 200, text);
    assert.ok(text.includes(`http://127.0.0.1:16686/trace/${traceId}`), 'and leads to Jaeger');
  }
});

test('each service is ready on it, every pod by itself, with the SVID that it uses', async () => {
  for (const service of SERVICES) {
    const pods = await podsOf(cluster.api, service);
    await eventually(30_000, () => {
      const workload = workloadOf(service);
      assert.equal(workload?.state, 'ready', service);
      const ready = workload.instances.filter(({ state }) => state === 'ready');
      assert.equal(ready.length, pods.length, service);
      for (const { svid } of ready) assert.match(svid?.serial ?? '', /^[0-9A-F]{16,}$/);
    });
  }
});

test('a renewed SVID takes the place of the former one', async () => {
  const before = workloadOf('customer');
  assert.ok(before?.svid);
  await withTtl(cluster.api, { workloads: ['customer'], ttl: '40s' }, () =>
    eventually(60_000, () => {
      const now = workloadOf('customer');
      assert.notEqual(now?.svid?.serial, before.svid?.serial);
      assert.ok((now?.rotations ?? 0) > before.rotations);
    }),
  );
});

test('a refusal of rogue is told, with who it was and who refused', async () => {
  const last = Math.max(-1, ...page.state().refusals.map(({ seq }) => seq));
  try {
    await runAction('rogue', 'add');
    await eventually(30_000, () => {
      const refusal = page
        .state()
        .refusals.find(({ seq, peer, self }) => seq > last && peer === idOf('rogue') && self === idOf('backend'));
      assert.equal(refusal?.code, 'PEER_NOT_AUTHORIZED');
      assert.equal(refusal.peerIs, 'verified');
    });
  } finally {
    await runAction('rogue', 'remove');
  }
});

test('its page is there, and offers nothing but to watch', async () => {
  const { status, headers, text } = await call(page.url);
  assert.equal(status, 200);
  assert.match(String(headers['content-security-policy']), /default-src 'none'/);
  const [, script] = /<script[^>]* src="([^"]+)"/.exec(text) ?? [];
  assert.ok(script, text.slice(0, 400));
  assert.equal((await call(new URL(script, page.url).href)).status, 200);
  const session = await call(`${page.url}/api/session`);
  assert.equal(session.status, 200, session.text);
  assert.deepEqual([session.body?.['stack'], session.body?.['customerUrl']], [undefined, undefined]);
});

const restartsOf = (pods: readonly Pod[]) =>
  pods.map(({ metadata, status }) => [metadata.uid, status.containerStatuses?.map((it) => it.restartCount)]);

test('while it is away nothing else is: calls are answered and their traces are in Jaeger', async () => {
  const collector = () => podsOf(cluster.api, 'otel-collector', NAMESPACES.observability);
  const before = restartsOf(await collector());
  const scale = (replicas: number) =>
    kubectl(['--namespace', NAMESPACES.observability, 'scale', 'deployment/console', `--replicas=${replicas}`]);
  await scale(0);
  try {
    await eventually(30_000, async () =>
      assert.deepEqual(await podsOf(cluster.api, 'console', NAMESPACES.observability), []),
    );
    const { traceId } = await order('grpc');
    await using jaeger = await forward('deployment/jaeger', 16686, NAMESPACES.observability);
    await eventually(45_000, async () => {
      const services = new Set((await readSpans(jaeger.url, traceId)).map(({ service }) => service));
      assert.deepEqual(
        SERVICES.filter((service) => !services.has(service)),
        [],
      );
    });
    assert.deepEqual(restartsOf(await collector()), before, 'the Collector runs on');
  } finally {
    await scale(1);
    await kubectl([
      '--namespace',
      NAMESPACES.observability,
      'rollout',
      'status',
      'deployment/console',
      '--timeout=50s',
    ]);
  }
  await using again = await openConsole();
  const { traceId } = await order('grpc');
  await eventually(30_000, () => assert.ok(again.state().traces.some((trace) => trace.traceId === traceId)));
});
