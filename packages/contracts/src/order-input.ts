/**
 * The limits that `orders.proto` documents, as code: every server of the contract checks what it receives, whoever
 * checked it before.
 */

/** What a caller says about a new order. */
export interface OrderInput {
  readonly item: string;
  readonly quantity: number;
  readonly customer: string;
}

/** One field that breaks its rule. */
export interface FieldProblem {
  /** The field's name; empty when it is the document itself. */
  readonly field: string;
  /** The rule: `must be an integer from 1 to 1000`. */
  readonly rule: string;
}

/** Bounds of an order's fields. Lengths are counted in characters (code points), as a person counts them. */
export const ORDER_LIMITS = { textLength: 200, quantity: 1000, idempotencyKeyLength: 128 } as const;

const TEXT_RULE = `must be 1 to ${ORDER_LIMITS.textLength} characters, not only spaces, and no control characters`;
const QUANTITY_RULE = `must be an integer from 1 to ${ORDER_LIMITS.quantity}`;
const KEY_RULE = `must be 1 to ${ORDER_LIMITS.idempotencyKeyLength} visible ASCII characters`;
// Control characters, line separators, lone surrogates, and directional ones: a right-to-left override can make one order
// read as another. Joiners stay, for emoji and for scripts that need them.
const UNFIT = /[\p{Cc}\p{Cs}\p{Bidi_Control}\u2028\u2029]/u;
const VISIBLE_ASCII = /^[\x21-\x7e]+$/;

/** Checks an order and its idempotency key (empty: none). Returns the first problem. */
export function checkOrderInput(input: OrderInput, idempotencyKey = ''): FieldProblem | undefined {
  if (!isFitText(input.item)) return { field: 'item', rule: TEXT_RULE };
  if (!isQuantity(input.quantity)) return { field: 'quantity', rule: QUANTITY_RULE };
  if (!isFitText(input.customer)) return { field: 'customer', rule: TEXT_RULE };
  return idempotencyKey === '' ? undefined : checkIdempotencyKey(idempotencyKey);
}

/**
 * Reads an order from a JSON document that may be anything. Unknown fields are refused: a misspelt one would otherwise
 * be dropped without a word.
 * @param otherFields fields that the caller reads itself
 */
export function parseOrderInput(document: unknown, otherFields: readonly string[] = []): OrderInput | FieldProblem {
  if (typeof document !== 'object' || document === null || Array.isArray(document)) {
    return { field: '', rule: 'must be a JSON object' };
  }
  const known = ['item', 'quantity', 'customer', ...otherFields];
  const unknown = Object.keys(document).find((name) => !known.includes(name));
  if (unknown !== undefined)
    return { field: unknown.slice(0, 100), rule: `is unknown; fields are ${known.join(', ')}` };
  const fields: Readonly<Record<string, unknown>> = { ...document };
  const { item, quantity, customer } = fields;
  if (typeof item !== 'string') return { field: 'item', rule: TEXT_RULE };
  if (typeof quantity !== 'number') return { field: 'quantity', rule: QUANTITY_RULE };
  if (typeof customer !== 'string') return { field: 'customer', rule: TEXT_RULE };
  const input = { item, quantity, customer };
  return checkOrderInput(input) ?? input;
}

/** Checks an idempotency key that was given. */
export function checkIdempotencyKey(key: string): FieldProblem | undefined {
  const fits = key.length <= ORDER_LIMITS.idempotencyKeyLength && VISIBLE_ASCII.test(key);
  return fits ? undefined : { field: 'idempotency-key', rule: KEY_RULE };
}

function isFitText(text: string): boolean {
  // A quick bound first: a code point takes two units at most.
  if (text.length === 0 || text.length > 2 * ORDER_LIMITS.textLength) return false;
  return Array.from(text).length <= ORDER_LIMITS.textLength && text.trim() !== '' && !UNFIT.test(text);
}

function isQuantity(value: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= ORDER_LIMITS.quantity;
}

/** Whether a text is a UUID in canonical form, as order IDs are. */
export function isOrderId(text: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);
}

/** Whether a text can be a cursor or page token: a decimal number that fits PostgreSQL's bigint. */
export function isCursor(text: string): boolean {
  return /^\d{1,18}$/.test(text);
}
