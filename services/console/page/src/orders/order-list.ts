/**
 * The table of new orders as data: newest first, bounded, and held back while somebody reads, so that no row moves away
 * under the pointer.
 */
import type { Order } from '../../../src/wire/actions.ts';

/** More rows than anybody reads; the customer has them all. */
export const CAP = 200;

/** What the table shows, and what waits to be shown. */
export interface OrderList {
  /** Newest first, at most {@link CAP}. */
  readonly shown: readonly Order[];
  /** Newest first, at most {@link CAP}; came while it was held. */
  readonly held: readonly Order[];
  readonly holding: boolean;
  /** All that ever came. */
  readonly total: number;
}

/** Before the first order. */
export const NO_ORDERS: OrderList = { shown: [], held: [], holding: false, total: 0 };

/** Orders came, in the order of their coming. One that is known already came again after a reconnect, and is left out. */
export function withArrived(list: OrderList, arrived: readonly Order[]): OrderList {
  const known = new Set([...list.shown, ...list.held].map(({ id }) => id));
  const fresh: Order[] = [];
  for (const order of arrived) {
    if (known.has(order.id)) continue;
    known.add(order.id);
    fresh.unshift(order);
  }
  if (fresh.length === 0) return list;
  const total = list.total + fresh.length;
  if (list.holding) return { ...list, total, held: newest(fresh, list.held) };
  return { ...list, total, shown: newest(fresh, list.shown) };
}

/** Somebody began or ceased to read. */
export function withHolding(list: OrderList, holding: boolean): OrderList {
  if (list.holding === holding) return list;
  if (holding) return { ...list, holding };
  return { ...list, holding, shown: newest(list.held, list.shown), held: [] };
}

/** What a screen reader is told of arrivals since it was last told; nothing when there are none. */
export function announcement(total: number, told: number): string {
  const count = total - told;
  if (count <= 0) return '';
  return count === 1 ? 'One new order.' : `${count} new orders.`;
}

function newest(fresh: readonly Order[], before: readonly Order[]): readonly Order[] {
  return [...fresh, ...before].slice(0, CAP);
}
