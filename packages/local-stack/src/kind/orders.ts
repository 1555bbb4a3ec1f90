/** Orders as a person or a page places them, over customer's HTTP interface. */
import { LocalStackError, messageOf } from '../errors.ts';
import { at, isObject, type JsonObject, objectsAt, textAt } from './json.ts';

/** How customer calls backend, in the words of its interface. */
export type Via = 'http' | 'grpc';

/** Both of them. */
export const everyVia: readonly Via[] = ['http', 'grpc'];

/** The same in the words of backend's log. */
export function transportOf(via: Via): 'https' | 'grpc' {
  return via === 'http' ? 'https' : via;
}

/** What was answered. */
export interface Answer {
  readonly status: number;
  readonly document: JsonObject;
}

/** An order that was placed. */
export interface PlacedOrder {
  readonly id: string;
  readonly via: Via;
  /** `customer -> backend · http · POST /orders · allow`, one a hop; none unless services run for development. */
  readonly hops: readonly string[];
}

const timeoutMs = 15_000;

/** @throws {LocalStackError} `CLUSTER_FAILED` when nothing answers */
export async function ask(url: string, init: RequestInit = {}): Promise<Answer> {
  try {
    const response = await fetch(url, { ...init, signal: AbortSignal.timeout(timeoutMs) });
    const document: unknown = await response.json();
    return { status: response.status, document: isObject(document) ? document : {} };
  } catch (cause) {
    const reason = cause instanceof Error && cause.cause !== undefined ? cause.cause : cause;
    throw new LocalStackError('CLUSTER_FAILED', `${url}: ${messageOf(reason)}`, { cause });
  }
}

/** Places an order and tells the answer, whatever it is. */
export function tryOrder(base: string, via: Via, item = 'tea'): Promise<Answer> {
  return ask(`${base}/api/orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ item, quantity: 1, customer: 'Ada', via }),
  });
}

/** @throws {LocalStackError} `CLUSTER_FAILED` with the problem's own words unless the order was created */
export async function placeOrder(base: string, via: Via): Promise<PlacedOrder> {
  const { status, document } = await tryOrder(base, via);
  const id = textAt(document, 'order', 'id');
  if (status !== 201 || id === '')
    throw new LocalStackError('CLUSTER_FAILED', `order by ${via}: ${problemText({ status, document })}`);
  return { id, via, hops: objectsAt(document, 'hops').map(hopText) };
}

/** What failures of one kind have in common: status and reason, and nothing that is of one call alone. */
export function failureKind({ status, document }: Answer): string {
  return [`HTTP ${status}`, textAt(document, 'reason') || textAt(document, 'code')].join(' ').trim();
}

/** A problem document in one line. */
export function problemText({ status, document }: Answer): string {
  const words = ['reason', 'code', 'detail', 'decision_id'].flatMap((name) => textAt(document, name) || []);
  return [`HTTP ${status}`, ...words].join(' · ');
}

function hopText(hop: JsonObject): string {
  const short = (name: string) => textAt(hop, name).split('/').at(-1) ?? '';
  const how = ['transport', 'operation', 'decision'].flatMap((name) => textAt(hop, name) || []);
  return `${short('from')} -> ${short('to')} · ${how.join(' · ')}`;
}

/** The order as customer shows it; undefined where it shows none. */
export async function findOrder(base: string, { id, via }: PlacedOrder): Promise<JsonObject | undefined> {
  const { status, document } = await ask(`${base}/api/orders/${id}?via=${via}`);
  const order = at(document, 'order');
  return status === 200 && isObject(order) ? order : undefined;
}
