/**
 * The stream of new orders, for as long as somebody looks at the table. It is closed when nobody does, since a browser grants
 * one server six connections and several tabs share them, and goes on from the last cursor when it is opened again.
 */

import type { Order } from '../../../src/wire/actions.ts';
import { text } from '../api/decode.ts';
import { order as decodeOrder } from '../api/decode-doing.ts';
import { decodeJson } from '../api/decode-json.ts';

/** What becomes of the stream. */
export interface OrderStreamListener {
  /** Orders in the order of their coming, with the cursor to go on from. */
  readonly onOrders: (orders: readonly Order[], cursor: string) => void;
  readonly onState: (state: StreamState) => void;
}

export type StreamState = 'opening' | 'open' | 'waiting';

/** At fifty orders a second a table that is drawn four times a second is as quick as anybody reads. */
const GATHER_MS = 250;
const OPEN_AGAIN_MS = 3_000;

/** The part of the browser's `EventSource` that is used. */
export interface OrderSource {
  readonly readyState: number;
  addEventListener(type: string, listener: (event: MessageEvent<unknown>) => void): void;
  close(): void;
}

/** As `EventSource.CLOSED`. */
const CLOSED = 2;

/** @returns ends it */
export function followOrders(
  cursor: string,
  { onOrders, onState }: OrderStreamListener,
  openSource: (path: string) => OrderSource = (path) => new EventSource(path),
): () => void {
  let source: OrderSource | undefined;
  let last = cursor;
  let gathered: Order[] = [];
  let handOver: ReturnType<typeof setTimeout> | undefined;
  let openAgain: ReturnType<typeof setTimeout> | undefined;

  const flush = () => {
    handOver = undefined;
    onOrders(gathered, last);
    gathered = [];
  };
  const open = () => {
    onState('opening');
    source = openSource(`/api/orders/stream${last === '' ? '' : `?cursor=${encodeURIComponent(last)}`}`);
    source.addEventListener('open', () => onState('open'));
    source.addEventListener('order', (event) => {
      last = event.lastEventId;
      gathered.push(decodeJson(text(event.data, ''), decodeOrder));
      handOver ??= setTimeout(flush, GATHER_MS);
    });
    source.addEventListener('problem', again);
    source.addEventListener('error', () => {
      onState('waiting');
      // The browser opens a connection that broke off by itself, and gives up on one that was answered with an error.
      if (source?.readyState === CLOSED) again();
    });
  };
  const again = () => {
    source?.close();
    onState('waiting');
    clearTimeout(openAgain);
    openAgain = setTimeout(open, OPEN_AGAIN_MS);
  };

  open();
  return () => {
    source?.close();
    clearTimeout(openAgain);
    clearTimeout(handOver);
    if (gathered.length > 0) flush();
  };
}
