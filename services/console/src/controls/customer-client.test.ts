/** Orders through the customer: its answers and its failures, over a real socket. */
import assert from 'node:assert/strict';
import type { RequestListener } from 'node:http';
import { describe, it } from 'node:test';
import { startRig } from '../../test/console-rig.ts';
import { startFakeCustomer } from '../../test/fake-customer.ts';
import { createCustomerClient } from './customer-client.ts';
import { placeLoadOrder } from './load-order.ts';

const order = { item: 'tea', quantity: 1, customer: 'Ada', via: 'http' } as const;
const refusal = { status: 403, detail: 'no', reason: 'POLICY_DENIED', decision_id: 'd1' };

const refuse: RequestListener = (request, response) => {
  request.resume();
  response.writeHead(403, { 'content-type': 'application/problem+json' }).end(JSON.stringify(refusal));
};

describe('an order', () => {
  it("goes to the customer as it came, and its answer comes back as the customer's", async () => {
    const seen: unknown[] = [];
    await using fake = await startFakeCustomer(async (request, response) => {
      const body = Buffer.concat(await request.toArray()).toString();
      seen.push(request.method, request.url, request.headers['content-type'], JSON.parse(body));
      response.writeHead(201, { 'content-type': 'application/json' }).end('{"order":{"id":"1"},"hops":[]}');
    });
    const customer = createCustomerClient(fake.url);
    await using rig = await startRig({ customer });
    const { status, body } = await rig.post('/api/orders', order);
    assert.equal(status, 201);
    assert.deepEqual(JSON.parse(body.toString()), { order: { id: '1' }, hops: [] });
    assert.deepEqual(seen, ['POST', '/api/orders', 'application/json', order]);
    customer.close();
  });

  it("that is refused is answered with the customer's own problem and status", async () => {
    await using fake = await startFakeCustomer(refuse);
    const customer = createCustomerClient(fake.url);
    await using rig = await startRig({ customer });
    const { status, headers, body } = await rig.post('/api/orders', order);
    assert.equal(status, 403);
    assert.equal(headers['content-type'], 'application/problem+json; charset=utf-8');
    assert.deepEqual(JSON.parse(body.toString()), refusal);
    assert.equal(await placeLoadOrder(customer, order), 'HTTP 403 POLICY_DENIED');
    customer.close();
  });

  for (const [failure, answer, status, reason] of [
    ['breaks off', (_request, response) => void response.destroy(), 503, 'UNAVAILABLE'],
    ['hangs', () => {}, 504, 'DEADLINE_EXCEEDED'],
    ['hangs in the middle', (_request, response) => void response.writeHead(200).write('{'), 504, 'DEADLINE_EXCEEDED'],
    ['talks too much', (_request, response) => void response.end('x'.repeat(65_537)), 502, 'BAD_ANSWER'],
    ['talks no JSON', (_request, response) => void response.end('<html>'), 502, 'BAD_ANSWER'],
  ] as ReadonlyArray<[string, RequestListener, number, string]>) {
    it(`with a customer that ${failure}: ${status} ${reason}`, async () => {
      await using fake = await startFakeCustomer(answer);
      const customer = createCustomerClient(fake.url, 300);
      await using rig = await startRig({ customer });
      const got = await rig.post('/api/orders', order);
      assert.deepEqual([got.status, got.reason], [status, reason]);
      assert.match((await placeLoadOrder(customer, order)) ?? '', /^The customer /);
      customer.close();
    });
  }

  it('without a customer that listens: 503', async () => {
    const fake = await startFakeCustomer(refuse);
    await fake.kill();
    const customer = createCustomerClient(fake.url);
    await using rig = await startRig({ customer });
    const got = await rig.post('/api/orders', order);
    assert.deepEqual([got.status, got.reason], [503, 'UNAVAILABLE']);
    assert.match(got.body.toString(), /ECONNREFUSED/);
    customer.close();
  });
});
