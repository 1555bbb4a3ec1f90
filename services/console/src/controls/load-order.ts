/** One order of the steady load: placed, or why not, in a few words. */
import { ApiError } from '../server/api-error.ts';
import type { NewOrder } from '../wire/actions.ts';
import type { CustomerClient } from './customer-client.ts';

/** Never throws: `undefined` is an order that was placed. */
export async function placeLoadOrder(
  customer: Pick<CustomerClient, 'placeOrder'>,
  order: NewOrder,
): Promise<string | undefined> {
  try {
    const { status, document } = await customer.placeOrder(order);
    return status === 201 ? undefined : `HTTP ${status}${reasonOf(document)}`;
  } catch (error) {
    return error instanceof ApiError ? error.message : String(error).slice(0, 200);
  }
}

function reasonOf(document: unknown): string {
  const reason =
    typeof document === 'object' && document !== null && 'reason' in document ? document.reason : undefined;
  return typeof reason === 'string' ? ` ${reason.slice(0, 80)}` : '';
}
