/** Fields of a request to the edge. Each reader gives the value or throws what names the field. */
import {
  checkIdempotencyKey,
  type FieldProblem,
  isCursor,
  isOrderId,
  type OrderInput,
  parseOrderInput,
} from '@countersign/contracts';
import type { PageRequest, Via } from './backend.ts';

/** A request's field breaks its rule: 400. */
export class FieldError extends Error {
  override readonly name = 'FieldError';
  readonly problem: FieldProblem;

  constructor(problem: FieldProblem) {
    super(`${problem.field || 'the body'} ${problem.rule}`);
    this.problem = problem;
  }
}

const VIA_RULE = 'must be "http" or "grpc"';

/** The body of a new order: the order and how it is to travel. */
export function readNewOrder(body: unknown): { order: OrderInput; via: Via } {
  const order = parseOrderInput(body, ['via']);
  if ('field' in order) throw new FieldError(order);
  const via: unknown = typeof body === 'object' && body !== null && 'via' in body ? body.via : undefined;
  if (via !== 'http' && via !== 'grpc') throw new FieldError({ field: 'via', rule: VIA_RULE });
  return { order, via };
}

/** The `via` of a read; HTTP when it is not given. */
export function readVia(value: unknown): Via {
  if (value === undefined) return 'http';
  if (value === 'http' || value === 'grpc') return value;
  throw new FieldError({ field: 'via', rule: VIA_RULE });
}

/** The `Idempotency-Key` header; `undefined` when there is none. */
export function readIdempotencyKey(value: string | undefined): string | undefined {
  const problem = value === undefined ? undefined : checkIdempotencyKey(value);
  if (problem !== undefined) throw new FieldError(problem);
  return value;
}

/** An order's ID from the path. */
export function readOrderId(value: unknown): string {
  if (typeof value === 'string' && isOrderId(value)) return value.toLowerCase();
  throw new FieldError({ field: 'id', rule: 'must be a UUID' });
}

/** Where a stream resumes: the header that browsers send, or the query. Empty: from now on. */
export function readCursor(lastEventId: string | undefined, query: unknown): string {
  const value = lastEventId ?? query ?? '';
  if (value === '' || (typeof value === 'string' && isCursor(value))) return value;
  throw new FieldError({
    field: lastEventId === undefined ? 'cursor' : 'last-event-id',
    rule: 'must come from this stream',
  });
}

/** Which page of orders. */
export function readPage(pageSize: unknown, pageToken: unknown): PageRequest {
  const size =
    pageSize === undefined ? 0 : Number(typeof pageSize === 'string' && /^\d{1,3}$/.test(pageSize) ? pageSize : -1);
  if (size < 0 || size > 100 || (pageSize !== undefined && size === 0)) {
    throw new FieldError({ field: 'page_size', rule: 'must be 1 to 100' });
  }
  if (pageToken === undefined) return { pageSize: size, pageToken: '' };
  if (typeof pageToken === 'string' && isCursor(pageToken)) return { pageSize: size, pageToken };
  throw new FieldError({ field: 'page_token', rule: 'must come from the page before' });
}
