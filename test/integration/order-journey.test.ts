/**
 * One order from the edge to PostgreSQL over the whole running system, by both transports, and every way a request at the
 * edge can be wrong.
 */
import assert from 'node:assert/strict';
import { get } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { loadIdentities } from '@countersign/identities';
import type { RunningSystem } from '@countersign/local-stack';
import { type Call, call } from './json-client.ts';
import { startTestSystemAnywhere } from './test-system.ts';

const identities = loadIdentities();
const idOf = (name: string) => identities.workload(name).spiffeId;

let system: RunningSystem;

before(async () => {
  system = await startTestSystemAnywhere();
});

after(() => system?.stop());

const order = { item: 'tea', quantity: 2, customer: 'Ada', via: 'http' } as const;

function edge(path: string, options: Call = {}) {
  return call(`${system.customerUrl}${path}`, options);
}

function placeOrder(overrides: Record<string, unknown> = {}, headers: Record<string, string> = {}) {
  return edge('/api/orders', { body: { ...order, ...overrides }, headers });
}

async function countOrders(): Promise<number> {
  const { body } = await edge('/api/orders');
  assert.ok(Array.isArray(body?.['orders']));
  return body['orders'].length;
}

/** The parts of an answer to an order, checked to be there. */
function orderOf(body: Record<string, unknown> | undefined) {
  const document = body as {
    order: Record<string, unknown>;
    trace_id: string;
    hops: Array<{ from: string; to: string; transport: string; decision: string; decision_id: string }>;
  };
  assert.match(document.trace_id, /^[0-9a-f]{32}$/);
  return document;
}

describe('an order', () => {
  for (const via of ['http', 'grpc'] as const) {
    test(`by ${via} is placed, and each hop is named with its decision`, async () => {
      const { status, body } = await placeOrder({ via });
      assert.equal(status, 201);
      const { order: placed, hops } = orderOf(body);
      assert.deepEqual(
        hops.map(({ from, to, transport, decision }) => ({ from, to, transport, decision })),
        [
          { from: idOf('customer'), to: idOf('backend'), transport: via, decision: 'allow' },
          { from: idOf('backend'), to: idOf('db-client'), transport: 'grpc', decision: 'allow' },
          { from: idOf('db-client'), to: idOf('postgres'), transport: 'postgres', decision: 'allow' },
        ],
      );
      assert.match(hops[0]?.decision_id ?? '', /^[0-9a-f-]{36}$/);
      assert.equal(hops[2]?.decision_id, identities.workload('db-client').postgresRole);
      assert.match(String(placed['id']), /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-/, 'a UUIDv7');
      assert.equal(placed['item'], 'tea');
      assert.equal(placed['quantity'], 2);
      assert.equal(placed['customer'], 'Ada');
      assert.equal(
        placed['created_by'],
        idOf('customer'),
        'the verified origin of the call, never a value from the request',
      );
      const read = await edge(`/api/orders/${placed['id']}`);
      assert.equal(read.status, 200);
      assert.ok(read.text.includes(String(placed['id'])));
    });
  }

  test('with a created_by of its own is refused: no such field', async () => {
    const { status, body } = await placeOrder({ created_by: idOf('auditor') });
    assert.equal(status, 400);
    assert.match(JSON.stringify(body), /created_by/);
  });

  test('leaves one log line a service, with one trace, both ends and the decision', async () => {
    const { body } = await placeOrder({ via: 'grpc' });
    const { trace_id: traceId } = orderOf(body);
    const expected = [
      ['backend', idOf('customer')],
      ['db-client', idOf('backend')],
    ] as const;
    for (const [service, peer] of expected) {
      const line = await system.waitForLog(
        service,
        (record) => record['event'] === 'request' && record['trace_id'] === traceId,
      );
      assert.equal(line['self'], idOf(service));
      assert.equal(line['peer'], peer);
      assert.equal(line['decision'], 'allow');
      assert.match(String(line['decision_id']), /^[0-9a-f-]{36}$/);
      assert.match(String(line['span_id']), /^[0-9a-f]{16}$/);
    }
  });
});

describe('an Idempotency-Key', () => {
  test('with the same body gives the same order; with another body 409', async () => {
    const headers = { 'idempotency-key': 'journey-1' };
    const first = await placeOrder({}, headers);
    const before = await countOrders();
    const second = await placeOrder({}, headers);
    assert.equal(first.status, 201);
    assert.equal(second.status, 201);
    assert.equal(orderOf(second.body).order['id'], orderOf(first.body).order['id']);
    const other = await placeOrder({ quantity: 3 }, headers);
    assert.equal(other.status, 409);
    assert.match(String(other.headers['content-type']), /application\/problem\+json/);
    assert.equal(await countOrders(), before, 'nothing written');
  });

  test('sent twenty times at once, by both transports, places one order', async () => {
    const headers = { 'idempotency-key': 'journey-race' };
    const before = await countOrders();
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) => placeOrder({ via: index % 2 ? 'http' : 'grpc' }, headers)),
    );
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([201]));
    assert.equal(new Set(answers.map(({ body }) => orderOf(body).order['id'])).size, 1);
    assert.equal(await countOrders(), before + 1);
  });
});

describe('a bad request', () => {
  const cases: Array<[name: string, body: unknown, field: string | undefined]> = [
    ['no JSON', '{"item":', undefined],
    ['a JSON array', [order], undefined],
    ['an unknown field', { ...order, price: 1 }, 'price'],
    ['an empty item', { ...order, item: '' }, 'item'],
    ['an item of spaces', { ...order, item: '   ' }, 'item'],
    ['an over-long item', { ...order, item: 'x'.repeat(201) }, 'item'],
    ['an item that is no string', { ...order, item: { $ne: '' } }, 'item'],
    ['no item', { quantity: 1, customer: 'Ada', via: 'http' }, 'item'],
    ['quantity 0', { ...order, quantity: 0 }, 'quantity'],
    ['quantity 1001', { ...order, quantity: 1001 }, 'quantity'],
    ['quantity 1.5', { ...order, quantity: 1.5 }, 'quantity'],
    ['quantity as text', { ...order, quantity: '2' }, 'quantity'],
    ['another via', { ...order, via: 'smtp' }, 'via'],
    ['via in capitals', { ...order, via: 'HTTP' }, 'via'],
    [
      '__proto__ as a field',
      '{"item":"tea","quantity":1,"customer":"Ada","via":"http","__proto__":{"x":1}}',
      '__proto__',
    ],
  ];
  for (const [name, body, field] of cases) {
    test(`${name}: 400 that names the field, nothing written`, async () => {
      const before = await countOrders();
      const answer = await edge('/api/orders', { body });
      assert.equal(answer.status, 400, answer.text);
      assert.match(String(answer.headers['content-type']), /^application\/problem\+json/);
      if (field !== undefined) assert.ok(answer.text.includes(field), answer.text);
      assert.equal(await countOrders(), before);
    });
  }

  test('a body over the limit: 413', async () => {
    const answer = await placeOrder({ item: 'x'.repeat(200_000) });
    assert.equal(answer.status, 413);
  });

  const foreign: Array<[string, Record<string, string>]> = [
    ['another Host (a rebound name)', { host: 'evil.example' }],
    ['a foreign Origin', { origin: 'https://evil.example' }],
    ['an opaque Origin', { origin: 'null' }],
    ['cross-site Fetch metadata', { 'sec-fetch-site': 'cross-site' }],
    ['a form content type', { 'content-type': 'text/plain' }],
  ];
  for (const [name, headers] of foreign) {
    test(`${name}: refused, nothing written`, async () => {
      const before = await countOrders();
      const answer = await placeOrder({}, headers);
      assert.ok(answer.status >= 400 && answer.status < 500, `${answer.status} ${answer.text}`);
      assert.equal(await countOrders(), before);
    });
  }

  test('an order that does not exist: 404; a malformed ID: 400', async () => {
    assert.equal((await edge('/api/orders/01890a5d-ac96-774b-bcce-b302099a8057')).status, 404);
    assert.equal((await edge('/api/orders/1%20OR%201=1')).status, 400);
  });
});

describe('who is who', () => {
  test('GET /api/identity shows the SVID as the trust domain issued it', async () => {
    const { status, body } = await edge('/api/identity');
    assert.equal(status, 200);
    assert.equal(body?.['spiffe_id'], idOf('customer'));
    assert.equal(body['trust_domain'], identities.trustDomain);
    assert.match(String(body['serial']), /^[0-9A-F]+$/);
    assert.ok(Date.parse(String(body['not_before'])) < Date.now());
    assert.ok(Date.parse(String(body['not_after'])) > Date.now());
    assert.match(JSON.stringify(body['key_usage']), /digitalSignature/);
    assert.ok(JSON.stringify(body).includes(identities.workload('customer').dnsName));
    assert.ok(!/PRIVATE/.test(JSON.stringify(body)));
  });

  for (const via of ['http', 'grpc']) {
    test(`GET /api/hello by ${via} names the caller as the server saw it, and the server`, async () => {
      const { status, body } = await edge(`/api/hello?via=${via}`);
      assert.equal(status, 200);
      assert.equal(body?.['message'], `Hello ${idOf('customer')} from the server`);
      assert.equal(body['peer'], idOf('backend'));
    });
  }

  test('GET /api/hello by anything else: 400 that names via', async () => {
    const answer = await edge('/api/hello?via=carrier-pigeon');
    assert.equal(answer.status, 400);
    assert.match(answer.text, /via/);
  });
});

describe('the page and the stream', () => {
  test('/ is a page with a strict content security policy', async () => {
    const page = await edge('/');
    assert.equal(page.status, 200);
    assert.match(page.text, /<!doctype html>/i);
    const policy = String(page.headers['content-security-policy']);
    assert.match(policy, /default-src 'none'|default-src 'self'/);
    assert.ok(!/unsafe-inline|unsafe-eval/.test(policy));
    assert.ok(!/<script>|\son[a-z]+=/.test(page.text), 'no inline script');
  });

  test('GET /api/orders/stream tells of an order placed after it was opened', async () => {
    const stream = await openStream(`${system.customerUrl}/api/orders/stream`);
    const { body } = await placeOrder({ item: 'streamed tea' });
    const { order: placed } = orderOf(body);
    await stream.until((text) => text.includes(String(placed['id'])));
    stream.close();
  });
});

/** Reads server-sent events as text until a condition holds. */
async function openStream(url: string) {
  let text = '';
  let look = () => {};
  const request = get(url, { agent: false });
  const response = await new Promise<import('node:http').IncomingMessage>((resolve, reject) => {
    request.once('response', resolve);
    request.once('error', reject);
  });
  assert.equal(response.headers['content-type']?.split(';')[0], 'text/event-stream');
  response.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    look();
  });
  response.on('error', () => {});
  return {
    close: () => request.destroy(),
    until: (condition: (text: string) => boolean) =>
      new Promise<void>((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`not seen within 10 s in: ${text}`)), 10_000);
        look = () => {
          if (!condition(text)) return;
          clearTimeout(timer);
          resolve();
        };
        look();
      }),
  };
}
