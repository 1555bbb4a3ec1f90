/** The component `debug`: each service writes every record; and the command of its comment looks into a pod that has no shell. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { placeOrder, uniqueItem } from '../prove/orders.ts';
import { type Api, openApi } from './suite/api.ts';
import { type AppliedComponent, applyComponent } from './suite/components.ts';
import { newPodOf, settled } from './suite/deployments.ts';
import { eventually } from './suite/eventually.ts';
import { openEdge } from './suite/forward.ts';
import { kubectl } from './suite/kubectl.ts';
import { openLogs, type PodLogs } from './suite/logs.ts';
import { OVERLAY } from './suite/manifests.ts';
import { idOf, NAMESPACES } from './suite/names.ts';
import { corePath, type Pod, podsOf } from './suite/objects.ts';

/** An image with a shell and small tools: busybox. CI's node has it in the image of PostgreSQL. */
const TOOLS_IMAGE = OVERLAY === 'ci' ? 'localhost/countersign-ci/postgres:18' : 'docker.io/library/busybox:1.37';

/** Whom each service connects to or is called by, so that it has something to tell. */
const PEERS = { customer: 'backend', backend: 'customer', 'db-client': 'backend' } as const;
const SERVICES = ['customer', 'backend', 'db-client'] as const;

let api: Api;
let logs: PodLogs;
let component: AppliedComponent;
/** A new pod of each. */
const pods = new Map<string, Pod>();

before(async () => {
  api = await openApi();
  logs = await openLogs(api, SERVICES);
});

after(async () => {
  await component?.[Symbol.asyncDispose]();
  await logs?.[Symbol.asyncDispose]();
  await api?.[Symbol.asyncDispose]();
});

async function placeOrders(): Promise<void> {
  await using edge = await openEdge();
  for (const via of ['http', 'grpc', 'http', 'grpc'] as const) {
    const { status, text } = await placeOrder(edge.url, { item: uniqueItem('debug'), via });
    assert.equal(status, 201, text);
  }
}

const debugRecords = (service: string) => logs.find(service, ({ level }) => level === 'debug' || level === 'trace');

test('without it there are no records of that level', async () => {
  await placeOrders();
  for (const service of SERVICES) assert.deepEqual(debugRecords(service), [], service);
});

test('with it each service tells of every connection that it verified', async () => {
  const former = await Promise.all(SERVICES.map((service) => podsOf(api, service)));
  component = await applyComponent(api, 'debug');
  for (const [index, service] of SERVICES.entries())
    pods.set(service, await newPodOf(api, service, former[index] ?? []));
  await settled(api, 'customer');
  await eventually(60_000, async () => {
    await placeOrders();
    for (const service of SERVICES) {
      const verified = debugRecords(service).filter(
        ({ event, pod, peer }) =>
          event === 'verified' && pod === pods.get(service)?.metadata.name && peer === idOf(PEERS[service]),
      );
      assert.ok(verified.length > 0, `${service} tells of no connection with ${PEERS[service]}`);
    }
  });
});

test('kubectl debug starts a container with tools beside the one that has none, and it sees its processes', async () => {
  const name = pods.get('backend')?.metadata.name ?? '';
  const namespace = ['--namespace', NAMESPACES.shop];
  const options = ['--profile=restricted', `--image=${TOOLS_IMAGE}`, '--target=backend', '--container=look'];
  await kubectl([...namespace, 'debug', name, ...options, '--', 'ps']);
  await eventually(60_000, async () => {
    const { status } = await api.get<Pod>(corePath('pods', name));
    const look = status.ephemeralContainerStatuses?.find((container) => container.name === 'look');
    assert.equal(look?.state?.terminated?.exitCode, 0, JSON.stringify(look));
  });
  const seen = await kubectl([...namespace, 'logs', name, '--container=look']);
  assert.match(seen, /node.* src\/main\.ts/);
});

test('taken off, everything is as it was', async () => {
  await component[Symbol.asyncDispose]();
});
