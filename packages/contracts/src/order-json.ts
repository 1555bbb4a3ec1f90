/** An order as JSON: what `orders.proto` says, under the names that HTTP answers use. */
import { type Order, OrderStatus } from './gen/countersign/orders/v1/orders.ts';

/** The JSON form of an order. */
export interface OrderJson {
  readonly id: string;
  readonly item: string;
  readonly quantity: number;
  /** Absent when it may not be seen. */
  readonly customer?: string;
  readonly status: 'placed' | 'unknown';
  /** RFC 3339. */
  readonly created_at: string;
  /** SPIFFE ID. */
  readonly created_by: string;
}

/** Writes an order as JSON. */
export function toOrderJson(order: Order): OrderJson {
  return {
    id: order.id,
    item: order.item,
    quantity: order.quantity,
    ...(order.customer === undefined ? {} : { customer: order.customer }),
    status: order.status === OrderStatus.ORDER_STATUS_PLACED ? 'placed' : 'unknown',
    created_at: order.createdAt,
    created_by: order.createdBy,
  };
}
