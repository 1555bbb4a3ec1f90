/**
 * Load on the whole system: orders by HTTPS and by gRPC, and a stream of those that were placed.
 */
import assert from 'node:assert/strict';
import { get, type IncomingMessage } from 'node:http';
import { call } from '../integration/json-client.ts';
import { type SteadyCalls, startSteadyCalls } from './steady.ts';

/** Orders one after the other, each down to PostgreSQL. */
export function placeOrders(customerUrl: string, via: 'http' | 'grpc'): SteadyCalls {
  return startSteadyCalls(`orders by ${via}`, 50, async () => {
    const body = { item: 'tea', quantity: 1, customer: 'Ada', via };
    const { status, text } = await call(`${customerUrl}/api/orders`, { body });
    assert.equal(status, 201, text);
  });
}

/** The stream of new orders: one connection for the whole run, behind which gRPC streams come and go. */
export async function watchOrders(customerUrl: string): Promise<{ seen(): number; stop(): void }> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    get(`${customerUrl}/api/orders/stream`, { agent: false }, resolve).once('error', reject);
  });
  assert.equal(response.statusCode, 200);
  let seen = 0;
  response.setEncoding('utf8');
  response.on('data', (text: string) => {
    seen += text.match(/^data:/gm)?.length ?? 0;
  });
  response.on('error', () => {});
  return { seen: () => seen, stop: () => response.destroy() };
}
