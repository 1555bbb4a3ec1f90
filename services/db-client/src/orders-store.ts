/** Orders in PostgreSQL: the only place where SQL about them is written. */
import { createHash } from 'node:crypto';
import type { OrderInput } from '@countersign/contracts';
import type { Database, Query } from './database.ts';

/** An order as stored. `customer` is absent for a role that may not see it. */
export interface StoredOrder {
  readonly id: string;
  readonly item: string;
  readonly quantity: number;
  readonly customer?: string;
  readonly status: string;
  readonly created_at: Date;
  readonly created_by: string;
  /** Position in the order of commits, a decimal number. */
  readonly place: string;
}

/** A new order and on whose behalf it is placed. */
export interface NewOrder extends OrderInput {
  /** SPIFFE ID of the verified caller. */
  readonly createdBy: string;
  /** Empty: none. */
  readonly idempotencyKey: string;
}

/** What became of a new order. */
export type Placement =
  | { readonly type: 'placed'; readonly order: StoredOrder }
  /** The same key and body were seen before. */
  | { readonly type: 'replayed'; readonly order: StoredOrder }
  /** The key was seen before with another body; nothing was written. */
  | { readonly type: 'key-reused' };

/** Reads and writes orders. */
export interface OrdersStore {
  place(order: NewOrder): Promise<Placement>;
  find(id: string): Promise<StoredOrder | undefined>;
  /** Newest first; those before `beforePlace`, if given. */
  list(limit: number, beforePlace?: string): Promise<StoredOrder[]>;
  /** Oldest first. */
  listAfter(place: string, limit: number): Promise<StoredOrder[]>;
  /** The place of the newest order, `0` when there is none. */
  latestPlace(): Promise<string>;
}

// One text for both roles: which `orders` is read, and which columns it has, depends on the role (see the migration).
// Writes name the table, so that a role without the right to it is refused and not sent to its view.
const COLUMNS = 'SELECT orders.* FROM orders';

/** Makes a store on a database. */
export function createOrdersStore(database: Database): OrdersStore {
  const { query } = database;
  return {
    place: (order) => database.transaction((run) => place(run, order)),
    find: async (id) => (await query<StoredOrder>(`${COLUMNS} WHERE id = $1`, [id]))[0],
    list: (limit, beforePlace) =>
      beforePlace === undefined
        ? query<StoredOrder>(`${COLUMNS} ORDER BY place DESC LIMIT $1`, [limit])
        : query<StoredOrder>(`${COLUMNS} WHERE place < $2 ORDER BY place DESC LIMIT $1`, [limit, beforePlace]),
    listAfter: (after, limit) =>
      query<StoredOrder>(`${COLUMNS} WHERE place > $1 ORDER BY place LIMIT $2`, [after, limit]),
    latestPlace: async () => {
      const [row] = await query<{ place: string }>('SELECT coalesce(max(place), 0) AS place FROM orders');
      return row?.place ?? '0';
    },
  };
}

async function place(query: Query, order: NewOrder): Promise<Placement> {
  if (order.idempotencyKey === '') return { type: 'placed', order: await insertOrder(query, order, undefined) };
  const digest = digestOf(order);
  // Of two calls at once with the same key one inserts; the other waits here until the first is committed, or rolled back.
  const [claimed] = await query<{ order_id: string }>(
    `INSERT INTO public.idempotency_keys (origin, key, request_sha256) VALUES ($1, $2, $3)
     ON CONFLICT (origin, key) DO NOTHING RETURNING order_id`,
    [order.createdBy, order.idempotencyKey, digest],
  );
  if (claimed !== undefined) return { type: 'placed', order: await insertOrder(query, order, claimed.order_id) };
  return replay(query, order, digest);
}

async function replay(query: Query, order: NewOrder, digest: Buffer): Promise<Placement> {
  const [earlier] = await query<StoredOrder & { same: boolean }>(
    `SELECT orders.*, keys.request_sha256 = $3 AS same
     FROM public.idempotency_keys AS keys JOIN public.orders ON orders.id = keys.order_id
     WHERE origin = $1 AND key = $2`,
    [order.createdBy, order.idempotencyKey, digest],
  );
  if (earlier === undefined) throw new Error('orders store: an idempotency key without its order');
  return earlier.same ? { type: 'replayed', order: earlier } : { type: 'key-reused' };
}

async function insertOrder(query: Query, order: NewOrder, id: string | undefined): Promise<StoredOrder> {
  const [row] = await query<StoredOrder>(
    `INSERT INTO public.orders (id, item, quantity, customer, created_by)
     VALUES (coalesce($1::uuid, uuidv7()), $2, $3, $4, $5) RETURNING *`,
    [id, order.item, order.quantity, order.customer, order.createdBy],
  );
  if (row === undefined) throw new Error('orders store: INSERT gave no row');
  return row;
}

/** Of the body alone, in a form that has no two readings. */
function digestOf({ item, quantity, customer }: OrderInput): Buffer {
  return createHash('sha256')
    .update(JSON.stringify([item, quantity, customer]))
    .digest();
}
