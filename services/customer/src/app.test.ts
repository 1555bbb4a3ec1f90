import assert from 'node:assert/strict';
import { createServer, request as httpRequest, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { OrderInput, OrderJson } from '@countersign/contracts';
import { closeHttpServer, type Hop, listenHttp, parseHostNames } from '@countersign/service-kit';
import { SpiffeTlsError, type X509Source } from '@countersign/spiffe-tls';
import { createLogger } from '@countersign/telemetry';
import { createApp } from './app.ts';
import { type Backend, BackendError, type PageRequest, type Via } from './backend.ts';

const BACKEND = 'spiffe://example.org/backend';
const hop: Hop = { from: 'spiffe://example.org/customer', to: BACKEND, transport: 'grpc', operation: 'x' };
const placed: OrderJson = {
  id: '01a20611-6cff-7f57-8151-a0f0cf8fa154',
  item: 'tea',
  quantity: 2,
  customer: 'Ada',
  status: 'placed',
  created_at: '2026-11-23T08:00:00.000Z',
  created_by: BACKEND,
};
const good = { item: 'tea', quantity: 2, customer: 'Ada', via: 'http' };

/** What reached a backend, in order. */
const calls: Array<{ via: Via; order?: OrderInput; key?: string; page?: PageRequest; leftMs: number }> = [];
let failure: Error | undefined;

function fakeBackend(via: Via): Backend {
  const reply = async <T>(value: T, deadline: number, rest: object = {}) => {
    calls.push({ via, leftMs: deadline - Date.now(), ...rest });
    if (failure !== undefined) throw failure;
    return { value, hops: [hop] };
  };
  return {
    hello: (deadline) => reply('Hello', deadline),
    create: (order, key, deadline) => reply({ order: placed, replayed: key === 'again' }, deadline, { order, key }),
    get: (_id, deadline) => reply(placed, deadline),
    list: (page, deadline) =>
      reply({ orders: [placed], nextPageToken: page.pageToken === '' ? '7' : '' }, deadline, { page }),
  };
}

const noIdentity: X509Source = {
  current: () => {
    throw new SpiffeTlsError('SOURCE_NOT_READY', 'no identity yet');
  },
  subscribe: () => () => {},
};
const streams: string[] = [];
const app = createApp({
  source: noIdentity,
  self: () => undefined,
  logger: createLogger({ service: 'customer', level: 'silent' }),
  allowedHosts: parseHostNames(''),
  backends: { http: fakeBackend('http'), grpc: fakeBackend('grpc') },
  streamOrders: async (response, cursor) => {
    streams.push(cursor);
    response.end('stream');
  },
  backendId: BACKEND,
});
const server = createServer(app);
let port = 0;

before(async () => {
  ({ port } = await listenHttp(server, { host: '127.0.0.1', port: 0 }));
});
after(() => closeHttpServer(server));
beforeEach(() => {
  calls.length = 0;
  streams.length = 0;
  failure = undefined;
});

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly document: Record<string, unknown>;
}

function send(method: string, path: string, headers: OutgoingHttpHeaders = {}, body?: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ host: '127.0.0.1', port, method, path, headers, agent: false });
    request.once('error', reject);
    request.once('response', async (response) => {
      const text = Buffer.concat(await response.toArray()).toString();
      const isJson = String(response.headers['content-type']).includes('json');
      resolve({
        status: response.statusCode ?? 0,
        headers: response.headers,
        text,
        document: isJson && text !== '' ? JSON.parse(text) : {},
      });
    });
    request.end(body);
  });
}

const post = (body: unknown, headers: OutgoingHttpHeaders = {}) =>
  send(
    'POST',
    '/api/orders',
    { 'content-type': 'application/json', ...headers },
    typeof body === 'string' ? body : JSON.stringify(body),
  );

describe('placing an order', () => {
  for (const via of ['http', 'grpc'] as const) {
    test(`goes to backend over ${via}, with a key and within three seconds`, async () => {
      const { status, document, headers } = await post({ ...good, via });
      assert.deepEqual([status, document['order'], document['hops']], [201, placed, [hop]]);
      assert.equal(headers['location'], `/api/orders/${placed.id}`);
      const order = { item: 'tea', quantity: 2, customer: 'Ada' };
      assert.deepEqual(
        calls.map((call) => [call.via, call.order]),
        [[via, order]],
      );
      assert.match(calls[0]?.key ?? '', /^[0-9a-f-]{36}$/);
      assert.ok((calls[0]?.leftMs ?? 0) <= 3_000);
    });
  }
  test('passes the key on, and says that an order was placed before', async () => {
    const { status, headers } = await post(good, { 'idempotency-key': 'again' });
    assert.deepEqual([status, headers['idempotency-replayed'], calls[0]?.key], [201, 'true', 'again']);
  });
});

const refused: Array<[string, unknown, OutgoingHttpHeaders, number, string | undefined]> = [
  ['bad JSON', '{"item":', {}, 400, undefined],
  ['an empty body', '', {}, 400, 'item'],
  ['an array', '[]', {}, 400, undefined],
  ['an unknown field', { ...good, price: 1 }, {}, 400, 'price'],
  ['an empty item', { ...good, item: '' }, {}, 400, 'item'],
  ['an over-long item', { ...good, item: 'x'.repeat(201) }, {}, 400, 'item'],
  ['a fraction', { ...good, quantity: 1.5 }, {}, 400, 'quantity'],
  ['a quantity of 1001', { ...good, quantity: 1001 }, {}, 400, 'quantity'],
  ['a quantity in quotes', { ...good, quantity: '1' }, {}, 400, 'quantity'],
  ['no customer', { item: 'tea', quantity: 1, via: 'http' }, {}, 400, 'customer'],
  ['another via', { ...good, via: 'smtp' }, {}, 400, 'via'],
  ['no via', { item: 'tea', quantity: 1, customer: 'Ada' }, {}, 400, 'via'],
  ['a via that is an inherited name', { ...good, via: 'constructor' }, {}, 400, 'via'],
  ['an empty idempotency key', good, { 'idempotency-key': '' }, 400, 'idempotency-key'],
  ['an over-long idempotency key', good, { 'idempotency-key': 'x'.repeat(129) }, 400, 'idempotency-key'],
  ['two idempotency keys', good, { 'idempotency-key': ['a', 'b'] }, 400, 'idempotency-key'],
  ['a form', 'item=tea', { 'content-type': 'application/x-www-form-urlencoded' }, 415, undefined],
  ['text that is JSON', JSON.stringify(good), { 'content-type': 'text/plain' }, 415, undefined],
  ['a compressed body', good, { 'content-encoding': 'gzip' }, 415, undefined],
  ['a large body', `"${'x'.repeat(20_000)}"`, {}, 413, undefined],
];
describe('what is no order', () => {
  for (const [name, body, headers, status, field] of refused) {
    test(`${name}: ${status}, and nothing reaches backend`, async () => {
      const answer = await post(body, headers);
      assert.deepEqual([answer.status, answer.document['field'], calls.length], [status, field, 0]);
      assert.equal(answer.headers['content-type'], 'application/problem+json');
    });
  }
});

describe('reading', () => {
  test('hello goes the way that is asked for, HTTP by default, and names the server', async () => {
    assert.deepEqual((await send('GET', '/api/hello')).document['peer'], BACKEND);
    await send('GET', '/api/hello?via=grpc');
    assert.deepEqual(
      calls.map(({ via }) => via),
      ['http', 'grpc'],
    );
  });
  test('a page of orders and the next one', async () => {
    const first = await send('GET', '/api/orders?page_size=1');
    assert.deepEqual([first.document['orders'], first.document['next_page_token']], [[placed], '7']);
    const last = await send('GET', '/api/orders?page_size=1&page_token=7');
    assert.deepEqual([last.document['next_page_token'], calls[1]?.page], [undefined, { pageSize: 1, pageToken: '7' }]);
  });
  test('a stream resumes where the browser says', async () => {
    await send('GET', '/api/orders/stream');
    await send('GET', '/api/orders/stream?cursor=3');
    await send('GET', '/api/orders/stream?cursor=3', { 'last-event-id': '5' });
    assert.deepEqual(streams, ['', '3', '5']);
  });

  const paths: Array<[string, string, number, string | undefined]> = [
    ['GET', '/api/hello?via=smtp', 400, 'via'],
    ['GET', '/api/hello?via=http&via=grpc', 400, 'via'],
    ['GET', '/api/hello?via[]=http', 200, undefined],
    ['GET', '/api/orders?page_size=0', 400, 'page_size'],
    ['GET', '/api/orders?page_size=101', 400, 'page_size'],
    ['GET', '/api/orders?page_token=x', 400, 'page_token'],
    ['GET', '/api/orders/7', 400, 'id'],
    ['GET', '/api/orders/..%2fstream', 400, 'id'],
    ['GET', '/api/orders/%ff', 400, undefined],
    ['GET', '/api/orders/stream?cursor=-1', 400, 'cursor'],
    ['GET', '/API/orders', 404, undefined],
    ['GET', '/api/orders/', 404, undefined],
    ['GET', '/api', 404, undefined],
    ['GET', '/../package.json', 404, undefined],
    ['HEAD', '/api/orders', 405, undefined],
    ['OPTIONS', '/api/orders', 405, undefined],
    ['DELETE', `/api/orders/${placed.id}`, 405, undefined],
    ['POST', '/api/hello', 404, undefined],
  ];
  for (const [method, path, status, field] of paths) {
    test(`${method} ${path} is answered ${status}`, async () => {
      const answer = await send(method, path);
      assert.deepEqual([answer.status, answer.document['field']], [status, field]);
      if (status >= 400) assert.equal(answer.headers['content-type'], 'application/problem+json');
    });
  }
});

describe('when backend gives no result', () => {
  test('its refusal is passed on with the decision', async () => {
    failure = new BackendError({ status: 403, detail: 'no', reason: 'POLICY_DENIED', decision_id: 'd-1' });
    const { status, document } = await post(good);
    assert.deepEqual([status, document['decision_id'], document['reason']], [403, 'd-1', 'POLICY_DENIED']);
  });
  test('503 says when to try again', async () => {
    failure = new BackendError({ status: 503, detail: 'later' });
    const { status, headers } = await send('GET', '/api/orders');
    assert.deepEqual([status, headers['retry-after']], [503, '1']);
  });
  test('a bug is told as one, without its message', async () => {
    failure = new Error('a secret path');
    const { status, text } = await send('GET', '/api/orders');
    assert.deepEqual([status, text.includes('secret')], [500, false]);
  });
  test('without an own identity there is none to show', async () => {
    const { status, document } = await send('GET', '/api/identity');
    assert.deepEqual([status, document['reason']], [503, 'SOURCE_NOT_READY']);
  });
});

describe('the page', () => {
  for (const [path, type] of [
    ['/', 'text/html'],
    ['/page.js', 'text/javascript'],
    ['/page.css', 'text/css'],
  ] as const) {
    test(`${path} comes with a policy that allows no inline script`, async () => {
      const { status, headers } = await send('GET', path);
      assert.equal(status, 200);
      assert.ok(headers['content-type']?.startsWith(type));
      assert.match(String(headers['content-security-policy']), /^default-src 'none'; script-src 'self';/);
      assert.equal(headers['x-content-type-options'], 'nosniff');
    });
  }
  test('has no inline script, style or handler, which the policy would block', async () => {
    const { text } = await send('GET', '/');
    assert.match(text, /<script src="\/page\.js" type="module"><\/script>/);
    assert.doesNotMatch(text, /<script>|<style|\son\w+=|\sstyle=|javascript:/i);
  });
  test('its script makes text nodes alone', async () => {
    const { text } = await send('GET', '/page.js');
    assert.match(text, /createTextNode/);
    assert.doesNotMatch(text, /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(/);
  });
});
