import assert from 'node:assert/strict';
import { createServer, request as httpRequest, type OutgoingHttpHeaders } from 'node:http';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { Decision, HttpGuardOptions } from '@countersign/authz';
import { type CreateOrderRequest, OrderServiceClient, OrderServiceService, OrderStatus } from '@countersign/contracts';
import { closeHttpServer, grpcError, listenHttp } from '@countersign/service-kit';
import { type Peer, SpiffeId } from '@countersign/spiffe-tls';
import { createLogger } from '@countersign/telemetry';
import { credentials, Server, ServerCredentials, status as Status, type sendUnaryData } from '@grpc/grpc-js';
import { createHttpApp } from './http-app.ts';
import { createOrdersGateway } from './orders-gateway.ts';

// The application behind a guard that knows two callers, before a db-client that notes what it is asked.
const CUSTOMER = 'spiffe://example.org/customer';
const AUDITOR = 'spiffe://example.org/auditor';
const order = {
  id: '01a20611-6cff-7f57-8151-a0f0cf8fa154',
  item: 'tea',
  quantity: 2,
  customer: 'Ada',
  status: OrderStatus.ORDER_STATUS_PLACED,
  createdAt: '2026-11-23T08:00:00.000Z',
  createdBy: 'spiffe://example.org/backend',
};
let caller = CUSTOMER;
let failure: ReturnType<typeof grpcError> | undefined;
const created: CreateOrderRequest[] = [];
const asked: string[] = [];

const guard: HttpGuardOptions = {
  self: () => SpiffeId.parse('spiffe://example.org/backend'),
  peerOf: () =>
    ({ id: SpiffeId.parse(caller), path: [], serialNumber: '0A', notAfterMs: Number.MAX_SAFE_INTEGER }) satisfies Peer,
  engine: {
    decide: ({ operation }) => {
      asked.push(operation);
      const allow = operation !== 'POST /orders' || caller === CUSTOMER;
      const obligations = caller === AUDITOR && allow ? [{ kind: 'mask', fields: ['customer'] } as const] : [];
      const known = ['GET /hello', 'POST /orders', 'GET /orders', 'GET /orders/{id}'].includes(operation);
      return {
        allow: allow && known,
        reason: 'r',
        rule: 'x',
        obligations,
        decisionId: 'd-1',
        revision: '1',
      } satisfies Decision;
    },
  },
};

const dbClient = new Server();
const reply = <T>(done: sendUnaryData<T>, value: T) => (failure === undefined ? done(null, value) : done(failure));
dbClient.addService(OrderServiceService, {
  createOrder: (call: { request: CreateOrderRequest }, done: sendUnaryData<object>) => {
    created.push(call.request);
    reply(done, { order, replayed: false });
  },
  getOrder: (_call: object, done: sendUnaryData<object>) => reply(done, { order }),
  listOrders: (_call: object, done: sendUnaryData<object>) => reply(done, { orders: [order], nextPageToken: '' }),
  watchOrders: () => {},
});
let client: OrderServiceClient;
let server: ReturnType<typeof createServer>;
let port = 0;

before(async () => {
  const grpcPort = await new Promise<number>((resolve, reject) =>
    dbClient.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  client = new OrderServiceClient(`127.0.0.1:${grpcPort}`, credentials.createInsecure());
  const logger = createLogger({ service: 'backend', level: 'silent' });
  const orders = createOrdersGateway(client);
  server = createServer(createHttpApp({ orders, guard, logger, self: () => undefined, development: false }));
  ({ port } = await listenHttp(server, { host: '127.0.0.1', port: 0 }));
});
after(async () => {
  await closeHttpServer(server);
  client.close();
  dbClient.forceShutdown();
});
beforeEach(() => {
  caller = CUSTOMER;
  failure = undefined;
  created.length = 0;
  asked.length = 0;
});

function send(method: string, path: string, body?: object, headers: OutgoingHttpHeaders = {}) {
  return new Promise<{ status: number; document: Record<string, unknown> }>((resolve, reject) => {
    const json = body === undefined ? {} : { 'content-type': 'application/json' };
    const request = httpRequest({
      host: '127.0.0.1',
      port,
      method,
      path,
      headers: { ...json, ...headers },
      agent: false,
    });
    request.once('error', reject);
    request.once('response', async (response) => {
      const text = Buffer.concat(await response.toArray()).toString();
      resolve({ status: response.statusCode ?? 0, document: text === '' ? {} : JSON.parse(text) });
    });
    request.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

const good = { item: 'tea', quantity: 2, customer: 'Ada' };

describe('idempotency keys', () => {
  test('reach db-client as they are: it keeps those of different origins apart', async () => {
    await send('POST', '/orders', good, { 'idempotency-key': 'same' });
    assert.deepEqual(
      created.map(({ idempotencyKey }) => idempotencyKey),
      ['same'],
    );
  });
  test('that are missing are made, each anew', async () => {
    await send('POST', '/orders', good);
    await send('POST', '/orders', good);
    assert.notEqual(created[0]?.idempotencyKey, created[1]?.idempotencyKey);
    assert.notEqual(created[0]?.idempotencyKey, '');
  });
});

describe('what a grant masks', () => {
  for (const path of ['/orders', `/orders/${order.id}`]) {
    test(`is masked in ${path}`, async () => {
      assert.match(JSON.stringify((await send('GET', path)).document), /"customer":"Ada"/);
      caller = AUDITOR;
      assert.match(JSON.stringify((await send('GET', path)).document), /"customer":"\[masked\]"/);
    });
  }
});

describe('routes are exact, and each request is decided', () => {
  const table: Array<[string, string, number]> = [
    ['GET', '/orders', 200],
    ['GET', '/Orders', 403],
    ['GET', '/orders/', 403],
    ['HEAD', '/orders', 403],
    ['OPTIONS', '/orders', 403],
    ['PUT', '/orders', 403],
    ['GET', '/', 403],
    ['GET', '/orders/%2e%2e', 400],
    ['GET', '/orders/..%2fhello', 400],
    ['GET', '/orders/7', 400],
    ['GET', '/orders?page_size=0', 400],
    ['GET', '/orders?page_size=101', 400],
    ['GET', '/orders?page_token=x&page_token=y', 400],
  ];
  for (const [method, path, status] of table) {
    test(`${method} ${path} is answered ${status}`, async () =>
      assert.equal((await send(method, path)).status, status));
  }
  test('a refused caller reaches neither the body nor db-client', async () => {
    caller = AUDITOR;
    const { status, document } = await send('POST', '/orders', good);
    assert.deepEqual([status, document['code'], created.length], [403, 'POLICY_DENIED', 0]);
  });
  test('headers that claim an identity change nothing', async () => {
    caller = AUDITOR;
    const claims = { 'x-forwarded-client-cert': `URI=${CUSTOMER}`, 'x-spiffe-id': CUSTOMER, 'x-peer-id': CUSTOMER };
    assert.equal((await send('POST', '/orders', good, claims)).status, 403);
  });
});

describe('what goes wrong behind', () => {
  const table: Array<[Status, number]> = [
    [Status.NOT_FOUND, 404],
    [Status.ALREADY_EXISTS, 409],
    [Status.PERMISSION_DENIED, 403],
    [Status.UNAVAILABLE, 503],
    [Status.INTERNAL, 502],
  ];
  for (const [code, status] of table) {
    test(`${Status[code]} of db-client is answered ${status}`, async () => {
      failure = grpcError(code, 'text', 'REASON');
      const answer = await send('GET', `/orders/${order.id}`);
      assert.deepEqual([answer.status, answer.document['reason']], [status, 'REASON']);
    });
  }
  test('a deadline that is over is answered 504', async () => {
    assert.equal((await send('GET', '/orders', undefined, { 'countersign-timeout-ms': '1' })).status, 504);
  });
  test('an order that breaks a rule is answered with the field, and not sent on', async () => {
    const { status, document } = await send('POST', '/orders', { ...good, quantity: 0 });
    assert.deepEqual([status, document['field'], created.length], [400, 'quantity', 0]);
  });
});
