/**
 * One stream of new orders: reads what lies after its cursor, sends it no faster than the client takes it, and waits to be
 * woken. It holds one page at most, so a slow client costs nothing.
 */
import type { WatchOrdersRequest, WatchOrdersResponse } from '@countersign/contracts';
import { type GrpcError, grpcError, sendMessage, streamEnd } from '@countersign/service-kit';
import { type ServerWritableStream, status as Status } from '@grpc/grpc-js';
import type { OrderFeed } from './order-feed.ts';
import { visibleOrder } from './order-message.ts';
import type { OrdersStore } from './orders-store.ts';

/** A stream's call. */
export type WatchCall = ServerWritableStream<WatchOrdersRequest, WatchOrdersResponse>;

/** What a stream reads from, and when it ends. */
export interface WatchOptions {
  readonly store: Pick<OrdersStore, 'latestPlace' | 'listAfter'>;
  readonly feed: Pick<OrderFeed, 'version' | 'changed'>;
  /** Aborted when the process stops. */
  readonly stopping: AbortSignal;
  readonly lifetimeMs?: number;
}

const LIFETIME_MS = 10 * 60_000;
const PAGE = 100;

/** Streams until the client leaves, the process stops or the stream is old. Resolves with what to end it with. */
export async function watchOrders(call: WatchCall, cursor: string, options: WatchOptions): Promise<GrpcError> {
  const ended = streamEnd(call, options.stopping, options.lifetimeMs ?? LIFETIME_MS);
  try {
    let place = cursor === '' ? await options.store.latestPlace() : cursor;
    await sendMessage(call, { cursor: place, order: undefined }, ended.signal);
    while (!ended.signal.aborted) {
      // Taken before reading: an order placed while we read makes the wait below return at once.
      const version = options.feed.version();
      const orders = await options.store.listAfter(place, PAGE);
      for (const order of orders) {
        await sendMessage(call, { cursor: order.place, order: visibleOrder(order) }, ended.signal);
        place = order.place;
      }
      if (orders.length < PAGE) await options.feed.changed(version, ended.signal);
    }
    return grpcError(
      Status.UNAVAILABLE,
      'the stream has ended as planned: open it again with the last cursor',
      'STREAM_RENEWAL',
    );
  } finally {
    ended.release();
  }
}
