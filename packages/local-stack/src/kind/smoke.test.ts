import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { loadIdentities } from '@countersign/identities';
import { createClusterLogs } from './cluster-logs.ts';
import { fakeCluster, impatient } from './fake-cluster.fixture.ts';
import { createKubectl } from './kubectl.ts';
import { describeLoad, loadOrders } from './order-load.ts';
import { smoke } from './smoke.ts';

const identities = loadIdentities();
const customer = identities.workload('customer').spiffeId;

/** What can be wrong with the system that is asked. */
interface Faults {
  readonly identity?: string;
  readonly status?: number;
  readonly item?: string;
  /** Fields of backend's log line that differ. */
  readonly logged?: Readonly<Record<string, string>>;
}

/** A customer that answers, and a backend that logs. */
async function withSystem<T>(
  faults: Faults,
  use: (base: string, cluster: ReturnType<typeof fakeCluster>) => Promise<T>,
) {
  const cluster = fakeCluster([]);
  let orders = 0;
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += String(chunk);
    });
    request.on('end', () => {
      const answer = (status: number, document: object) => response.writeHead(status).end(JSON.stringify(document));
      if (request.url === '/api/identity') return answer(200, { spiffe_id: faults.identity ?? customer });
      if (request.method === 'GET') return answer(200, { order: { item: faults.item ?? 'tea' } });
      const via = String(JSON.parse(body).via);
      if (via !== 'http' && via !== 'grpc') return answer(400, { code: 'FIELD_INVALID' });
      const operation = via === 'grpc' ? '/countersign.orders.v1.OrderService/CreateOrder' : 'POST /orders';
      orders += 1;
      const transport = via === 'http' ? 'https' : via;
      const line = { event: 'request', peer: customer, transport, decision: 'allow', operation, n: orders };
      cluster.log('backend-a', 'backend', { ...line, ...faults.logged });
      return answer(faults.status ?? 201, { order: { id: `o-${orders}` }, code: 'POLICY_DENIED' });
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  try {
    return await use(`http://127.0.0.1:${port}`, cluster);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

function smokeWith(faults: Faults): Promise<string> {
  return withSystem(faults, async (base, cluster) => {
    const printed: string[] = [];
    const logs = createClusterLogs(createKubectl(cluster.run), identities, ['backend'], impatient);
    await smoke({ base, identities, logs, print: (text) => void printed.push(text) });
    return printed.join('\n');
  });
}

describe('smoke', () => {
  it('passes where an order comes through by each way', async () => {
    assert.match(await smokeWith({}), /ok {2}customer is[\s\S]*by http, placed[\s\S]*by grpc, placed/);
  });
  const faults: Array<[name: string, fault: Faults, message: RegExp]> = [
    ['customer is somebody else', { identity: 'spiffe://example.org/x' }, /customer must be/],
    ['the order is denied', { status: 403 }, /HTTP 403 · POLICY_DENIED/],
    ['the order is another one', { item: 'coffee' }, /can't be read back/],
    ['backend saw another caller', { logged: { peer: 'spiffe://example.org/x' } }, /not heard of/],
    ['backend was asked in another way', { logged: { transport: 'http' } }, /not heard of/],
    ['backend did not decide', { logged: { decision: 'deny' } }, /not heard of/],
    ['backend was asked something else', { logged: { operation: 'GET /orders' } }, /not heard of/],
  ];
  for (const [name, fault, message] of faults)
    it(`fails when ${name}`, async () => assert.rejects(smokeWith(fault), { name: 'LocalStackError', message }));
});

describe('load', () => {
  it('counts what was created by each way', async () => {
    const result = await withSystem({}, (base) => loadOrders(base, { seconds: 0.2, rate: 50 }));
    assert.deepEqual([result.sent, result.created], [10, { http: 5, grpc: 5 }]);
    assert.match(describeLoad(result), /0 failed/);
  });
  it('counts failures by kind', async () => {
    const result = await withSystem({ status: 403 }, (base) => loadOrders(base, { seconds: 0.1, rate: 100 }));
    assert.deepEqual(result.created, { http: 0, grpc: 0 });
    assert.match(describeLoad(result), /5 x http: HTTP 403 POLICY_DENIED$/m);
  });
});
