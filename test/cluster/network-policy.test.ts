/**
 * The network's edges, tried one by one from inside pods: whoever has a grant can open a connection, everybody else runs into
 * silence. Which those are, `identities.json` says.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Api, openApi } from './suite/api.ts';
import { allowedEdges, servedPorts } from './suite/edges.ts';
import { eventually } from './suite/eventually.ts';
import { identities, NAMESPACES } from './suite/names.ts';
import { addressOf, isReady, type Pod, podsOf } from './suite/objects.ts';
import { probeTcp } from './suite/tcp-probe.ts';
import { startTwin } from './suite/twin.ts';

let api: Api;

before(async () => {
  api = await openApi();
});

after(() => api?.[Symbol.asyncDispose]());

/** A port of a pod, and whether this workload may open it. */
interface Target {
  readonly name: string;
  readonly address: string;
  readonly outcome: 'connected' | 'dropped';
}

async function podOf(workload: string, namespace?: string): Promise<Pod> {
  const [pod] = (await podsOf(api, workload, namespace)).filter(isReady);
  assert.ok(pod, `no pod of ${workload} is ready`);
  return pod;
}

/** Workloads that send telemetry: those that run as services, and auditor, which stands for one. */
const TELLS_COLLECTOR = new Set(['customer', 'backend', 'db-client', 'auditor']);
/** Health ports are the kubelet's alone, though it is the same pod that listens. */
const HEALTH_PORTS = { customer: 8083, backend: 8081, 'db-client': 8082 };

async function targetsOf(from: string): Promise<Target[]> {
  const allowed = new Set(
    allowedEdges()
      .filter((edge) => edge.from === from)
      .map(({ to, port }) => `${to}:${port}`),
  );
  const others = servedPorts().filter(({ to }) => to !== from);
  const served = others.map(async ({ to, port }): Promise<Target> => {
    const name = `${to}:${port}`;
    const outcome = allowed.has(name) ? 'connected' : 'dropped';
    return { name, address: `${addressOf(await podOf(to))}:${port}`, outcome };
  });
  const health = Object.entries(HEALTH_PORTS)
    .filter(([to]) => to !== from)
    .map(
      async ([to, port]): Promise<Target> => ({
        name: `${to}:${port}`,
        address: `${addressOf(await podOf(to))}:${port}`,
        outcome: 'dropped',
      }),
    );
  return await Promise.all([...served, ...health, collectorFor(from), consoleFor()]);
}

async function collectorFor(from: string): Promise<Target> {
  const address = `${addressOf(await podOf('otel-collector', NAMESPACES.observability))}:4318`;
  return { name: 'otel-collector:4318', address, outcome: TELLS_COLLECTOR.has(from) ? 'connected' : 'dropped' };
}

/** The Collector's alone. */
async function consoleFor(): Promise<Target> {
  const address = `${addressOf(await podOf('console', NAMESPACES.observability))}:4318`;
  return { name: 'console:4318', address, outcome: 'dropped' };
}

async function assertEdges(from: string, pod: string, container: string): Promise<void> {
  const targets = await targetsOf(from);
  const addresses = targets.map(({ address }) => address);
  const expected = targets.map(({ name, outcome }) => `${name} ${outcome}`);
  await eventually(30_000, async () => {
    const outcomes = await probeTcp(pod, container, addresses);
    const seen = targets.map(({ name, address }) => `${name} ${outcomes.get(address)}`);
    assert.deepEqual(seen, expected);
  });
  assert.ok(
    expected.some((line) => line.endsWith('dropped')),
    'nobody may reach everything',
  );
}

for (const workload of ['customer', 'backend', 'db-client']) {
  test(`${workload} reaches those whom it may call, and nobody else`, async () => {
    const { metadata } = await podOf(workload);
    await assertEdges(workload, metadata.name, workload);
  });
}

/** They do not run all the time: a pod that does nothing stands where one of theirs would. */
for (const workload of ['auditor', 'db-migrate', 'rogue']) {
  test(`${workload} reaches those whom it may call, and nobody else`, async () => {
    assert.ok(identities.names().includes(workload));
    const options = { name: `edges-of-${workload}`, of: 'customer', serviceAccount: workload, idle: true };
    await using twin = await startTwin(api, options);
    await twin.ready();
    await assertEdges(workload, twin.pod, twin.container);
  });
}
