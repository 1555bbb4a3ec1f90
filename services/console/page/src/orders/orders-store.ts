/** What the Orders tab shows, kept while another tab is open. */
import { create } from 'zustand';
import type { NewOrder, PlacedOrder } from '../../../src/wire/actions.ts';
import { api } from '../api/api.ts';
import { type ApiProblem, toProblem } from '../api/problem.ts';
import { NO_ORDERS, type OrderList, withArrived, withHolding } from './order-list.ts';
import { followOrders, type StreamState } from './order-stream.ts';

/** What came of the last order that was placed on this page. */
export type Outcome =
  | { readonly state: 'none' }
  | { readonly state: 'pending' }
  | { readonly state: 'placed'; readonly placed: PlacedOrder; readonly via: NewOrder['via'] }
  | { readonly state: 'refused'; readonly problem: ApiProblem };

export interface Orders {
  readonly list: OrderList;
  readonly stream: StreamState;
  readonly outcome: Outcome;
  /** What the form holds. */
  readonly draft: NewOrder;
}

export const useOrders = create<Orders>(() => ({
  list: NO_ORDERS,
  stream: 'opening',
  outcome: { state: 'none' },
  draft: { item: 'tea', quantity: 2, customer: 'Ada', via: 'http' },
}));

let cursor = '';

/** Follows new orders. @returns ends it */
export function watchOrders(): () => void {
  return followOrders(cursor, {
    onOrders(orders, last) {
      cursor = last;
      useOrders.setState(({ list }) => ({ list: withArrived(list, orders) }));
    },
    onState: (stream) => useOrders.setState({ stream }),
  });
}

/** Rows stay where they are while somebody reads. */
export function holdOrders(holding: boolean): void {
  useOrders.setState(({ list }) => ({ list: withHolding(list, holding) }));
}

export function editDraft(change: Partial<NewOrder>): void {
  useOrders.setState(({ draft }) => ({ draft: { ...draft, ...change } }));
}

/** Places what the form holds; the outcome is shown beneath it. Never rejects. @returns whether it was placed */
export async function placeOrder(order = useOrders.getState().draft): Promise<boolean> {
  if (useOrders.getState().outcome.state === 'pending') return false;
  useOrders.setState({ outcome: { state: 'pending' } });
  try {
    const placed = await api.placeOrder(order);
    useOrders.setState({ outcome: { state: 'placed', placed, via: order.via } });
    return true;
  } catch (error) {
    useOrders.setState({ outcome: { state: 'refused', problem: toProblem(error) } });
    return false;
  }
}
