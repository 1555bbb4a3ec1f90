/**
 * New orders as server-sent events, fed by a gRPC server stream. That stream ends now and then as planned (a rotation, its
 * age, a restart of backend); it is opened again with the last cursor, and the page notices nothing and misses nothing.
 * A page that lost its own connection resumes the same way: browsers send the last event's ID.
 */
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { type OrderServiceClient, toOrderJson, type WatchOrdersResponse } from '@countersign/contracts';
import {
  cancelOnAbort,
  createStreamLimit,
  detailsOf,
  grpcToHttpProblem,
  isServiceError,
  sendProblem,
} from '@countersign/service-kit';
import type { Logger } from '@countersign/telemetry';
import { type ServiceError, status as Status } from '@grpc/grpc-js';

/** What streams work with. */
export interface OrderStreamOptions {
  readonly orders: Pick<OrderServiceClient, 'watchOrders'>;
  readonly logger: Logger;
  /** Aborted when the process stops. */
  readonly stopping: AbortSignal;
  readonly development: boolean;
  /** Default 15 s: shorter than what proxies and browsers take for dead. */
  readonly heartbeatMs?: number;
  /** First and longest wait before the gRPC stream is opened again. */
  readonly backoffMs?: { readonly first: number; readonly longest: number };
  /** Streams at once; a further one is answered 503. */
  readonly maxStreams?: number;
}

const DEFAULTS = { heartbeatMs: 15_000, backoffMs: { first: 50, longest: 2_000 }, maxStreams: 100 };

/** Ends of a gRPC stream after which it is opened again. Anything else is a refusal, and asking again would not help. */
const RENEWABLE: ReadonlySet<Status> = new Set([
  Status.UNAVAILABLE,
  Status.DEADLINE_EXCEEDED,
  Status.CANCELLED,
  Status.INTERNAL,
  Status.UNKNOWN,
]);

/**
 * A connection that a rotation is about to retire may meet bundles in which its certificate verifies no more (the CA left),
 * and its streams end. A new connection is made with the present SVID; where that is refused, it is as UNAVAILABLE.
 */
function isRenewable(error: ServiceError): boolean {
  if (RENEWABLE.has(error.code)) return true;
  return error.code === Status.UNAUTHENTICATED && detailsOf(error).reason === 'PEER_NOT_VERIFIED';
}

/** Makes the function that answers one request with a stream. It resolves when the stream has ended. */
export function createOrderStreams(options: OrderStreamOptions) {
  const limited = createStreamLimit(options.maxStreams ?? DEFAULTS.maxStreams);
  return (response: ServerResponse, cursor: string): Promise<void> =>
    limited(response, () => new OrderStream(response, cursor, options).run());
}

class OrderStream {
  readonly #response: ServerResponse;
  readonly #options: OrderStreamOptions;
  readonly #ending = new AbortController();
  #cursor: string;
  #failures = 0;
  #stalledBeats = 0;

  constructor(response: ServerResponse, cursor: string, options: OrderStreamOptions) {
    this.#response = response;
    this.#cursor = cursor;
    this.#options = options;
  }

  async run(): Promise<void> {
    const { stopping, heartbeatMs = DEFAULTS.heartbeatMs } = this.#options;
    const end = () => this.#ending.abort();
    stopping.addEventListener('abort', end, { once: true });
    this.#response.once('close', end);
    if (stopping.aborted) end();
    const heartbeat = setInterval(() => this.#beat(), heartbeatMs);
    try {
      while (!this.#ending.signal.aborted) await this.#relayOnce();
    } finally {
      clearInterval(heartbeat);
      stopping.removeEventListener('abort', end);
      this.#response.end();
    }
  }

  /** One gRPC stream, from its opening to its end. */
  async #relayOnce(): Promise<void> {
    const stream = this.#options.orders.watchOrders({ cursor: this.#cursor });
    cancelOnAbort(stream, this.#ending.signal);
    try {
      for await (const message of stream) await this.#send(message);
    } catch (error) {
      if (this.#ending.signal.aborted) return;
      if (!isServiceError(error)) throw error;
      if (!isRenewable(error)) return this.#refuse(error);
      this.#options.logger.debug({ event: 'stream_renewed', status: Status[error.code], cursor: this.#cursor });
    }
    this.#begin();
    await this.#pause();
  }

  async #send({ cursor, order }: WatchOrdersResponse): Promise<void> {
    this.#failures = 0;
    this.#cursor = cursor;
    this.#begin();
    const event = order === undefined ? { name: 'open', data: {} } : { name: 'order', data: toOrderJson(order) };
    const text = `id: ${cursor}\nevent: ${event.name}\ndata: ${JSON.stringify(event.data)}\n\n`;
    if (this.#response.write(text)) return;
    await once(this.#response, 'drain', { signal: this.#ending.signal }).catch(() => {});
  }

  /** Headers wait for the first outcome, so that a refusal can still be an HTTP status. */
  #begin(): void {
    if (this.#response.headersSent || this.#ending.signal.aborted) return;
    this.#response.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    this.#response.write('retry: 1000\n\n');
  }

  #refuse(error: ServiceError): void {
    const problem = grpcToHttpProblem(error, this.#options.development);
    if (this.#response.headersSent) this.#response.write(`event: problem\ndata: ${JSON.stringify(problem)}\n\n`);
    else sendProblem(this.#response, problem);
    this.#ending.abort();
  }

  /** A comment keeps the connection alive. A page that has not read for two beats is gone. */
  #beat(): void {
    if (!this.#response.headersSent) return;
    this.#stalledBeats = this.#response.writableNeedDrain ? this.#stalledBeats + 1 : 0;
    if (this.#stalledBeats > 2) this.#response.destroy();
    else if (this.#stalledBeats === 0) this.#response.write(': alive\n\n');
  }

  /** Longer with each failure in a row, until a message arrives. */
  #pause(): Promise<void> {
    const { first, longest } = this.#options.backoffMs ?? DEFAULTS.backoffMs;
    const waitMs = Math.min(longest, first * 2 ** this.#failures) * (0.5 + Math.random() / 2);
    this.#failures += 1;
    const { signal } = this.#ending;
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, waitMs);
      signal.addEventListener('abort', done, { once: true });
    });
  }
}
