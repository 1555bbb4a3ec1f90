/** Stored orders as messages of the contract, as far as the caller may see them. */
import { applyObligations, requireCall } from '@countersign/authz';
import { type Order, OrderStatus } from '@countersign/contracts';
import type { StoredOrder } from './orders-store.ts';

/** What the grant of the call in progress lets the caller see of an order. Without a decided call nothing is shown. */
export function visibleOrder(order: StoredOrder): Order {
  return applyObligations(requireCall().decision, toOrderMessage(order));
}

/** An order without a customer, because the database role may not see it, has none in the message either. */
function toOrderMessage(order: StoredOrder): Order {
  return {
    id: order.id,
    item: order.item,
    quantity: order.quantity,
    customer: order.customer,
    status: order.status === 'placed' ? OrderStatus.ORDER_STATUS_PLACED : OrderStatus.ORDER_STATUS_UNSPECIFIED,
    createdAt: order.created_at.toISOString(),
    createdBy: order.created_by,
  };
}
