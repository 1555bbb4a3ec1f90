/** Orders at the customer's edge, as an ordinary user places them. */
import { randomUUID } from 'node:crypto';
import { call } from '../integration/json-client.ts';

/** An answer of the edge to an order. */
export interface Placed {
  readonly status: number;
  readonly id: string;
  readonly traceId: string;
  readonly createdBy: string;
  readonly text: string;
}

/** An item that nobody else orders: what is done with it can be counted. */
export function uniqueItem(purpose: string): string {
  return `${purpose} ${randomUUID()}`;
}

/** Places one. */
export async function placeOrder(
  customerUrl: string,
  order: { readonly item: string; readonly via: 'http' | 'grpc'; readonly customer?: string },
  headers: Readonly<Record<string, string>> = {},
): Promise<Placed> {
  const body = { quantity: 1, customer: 'Ada', ...order };
  const answer = await call(`${customerUrl}/api/orders`, { body, headers });
  const placed = answer.body?.['order'];
  const fields = typeof placed === 'object' && placed !== null ? new Map(Object.entries(placed)) : new Map();
  return {
    status: answer.status,
    id: String(fields.get('id') ?? ''),
    traceId: String(answer.body?.['trace_id'] ?? ''),
    createdBy: String(fields.get('created_by') ?? ''),
    text: answer.text,
  };
}

/** How many orders of this item there are in the database. */
export async function countOrders(customerUrl: string, item: string): Promise<number> {
  let count = 0;
  let token = '';
  do {
    const page = await call(`${customerUrl}/api/orders?page_size=100${token === '' ? '' : `&page_token=${token}`}`);
    const orders: unknown = page.body?.['orders'];
    if (!Array.isArray(orders)) throw new Error(`prove: orders can't be listed: ${page.status} ${page.text}`);
    count += orders.filter((order) => JSON.stringify(order).includes(item)).length;
    token = String(page.body?.['next_page_token'] ?? '');
  } while (token !== '');
  return count;
}
