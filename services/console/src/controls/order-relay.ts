/**
 * The customer's stream of new orders, relayed to the page as it comes: whole events, at the pace at which the page reads.
 * When the customer goes away, the relay connects again with the ID of the last event it passed on, and the page misses
 * nothing; a page that lost its own connection resumes in the same way.
 */
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createStreamLimit } from '@countersign/service-kit';
import { ApiError } from '../server/api-error.ts';
import { type CustomerClient, parseAnswer, readBounded } from './customer-client.ts';
import { createEventSplitter, idOf } from './event-splitter.ts';

/** What relays work with. */
export interface OrderRelayOptions {
  readonly customer: Pick<CustomerClient, 'open'>;
  /** Aborted when the console stops. */
  readonly stopping: AbortSignal;
  /** Relays at once, 16 by default; a further one is answered 503. */
  readonly maxStreams?: number;
  /** First and longest wait before the customer is asked again. */
  readonly backoffMs?: { readonly first: number; readonly longest: number };
}

const MAX_STREAMS = 16;
const BACKOFF_MS = { first: 200, longest: 5_000 };

/** Makes the function that answers one request with a relay. It resolves when the relay has ended. */
export function createOrderRelays(options: OrderRelayOptions) {
  const limited = createStreamLimit(options.maxStreams ?? MAX_STREAMS);
  return (request: IncomingMessage, response: ServerResponse): Promise<void> =>
    limited(response, () => new OrderRelay(request, response, options).run());
}

class OrderRelay {
  readonly #response: ServerResponse;
  readonly #options: OrderRelayOptions;
  readonly #ending = new AbortController();
  #lastEventId: string | undefined;
  #failures = 0;

  constructor(request: IncomingMessage, response: ServerResponse, options: OrderRelayOptions) {
    const given = request.headers['last-event-id'];
    this.#lastEventId = typeof given === 'string' ? given : undefined;
    this.#response = response;
    this.#options = options;
  }

  async run(): Promise<void> {
    const { stopping } = this.#options;
    const end = () => this.#ending.abort();
    stopping.addEventListener('abort', end, { once: true });
    this.#response.once('close', end);
    if (stopping.aborted) end();
    try {
      while (!this.#ending.signal.aborted) {
        await this.#relayOnce();
        await this.#pause();
      }
    } finally {
      stopping.removeEventListener('abort', end);
      this.#response.end();
    }
  }

  /** One connection to the customer, from its opening to its end. */
  async #relayOnce(): Promise<void> {
    const { signal } = this.#ending;
    const headers = this.#lastEventId === undefined ? {} : { 'last-event-id': this.#lastEventId };
    try {
      const answer = await this.#options.customer.open({ method: 'GET', path: '/api/orders/stream', headers, signal });
      if (answer.statusCode === 200) await this.#relay(answer);
      else await this.#refuse(answer);
    } catch (error) {
      if (error instanceof ApiError) throw error;
      // Not reached, or cut off in the middle: it is asked again.
    }
  }

  async #relay(answer: IncomingMessage): Promise<void> {
    this.#begin();
    const split = createEventSplitter();
    for await (const chunk of answer) {
      for (const event of split(chunk)) await this.#pass(event);
    }
  }

  /** The ID counts once the event is on its way: what is asked for next comes after it. */
  async #pass(event: string): Promise<void> {
    this.#failures = 0;
    const drained = this.#response.write(event);
    this.#lastEventId = idOf(event) ?? this.#lastEventId;
    if (!drained) await once(this.#response, 'drain', { signal: this.#ending.signal });
  }

  /** A request that the customer refuses is refused here; one that it fails to serve now may be served later. */
  async #refuse(answer: IncomingMessage): Promise<void> {
    const status = answer.statusCode ?? 502;
    if (status >= 500) {
      answer.resume();
      this.#begin();
      return;
    }
    const problem = parseAnswer(await readBounded(answer));
    if (this.#response.headersSent) this.#response.write(`event: problem\ndata: ${JSON.stringify(problem)}\n\n`);
    else
      this.#response.writeHead(status, { 'content-type': 'application/problem+json' }).write(JSON.stringify(problem));
    this.#ending.abort();
  }

  #begin(): void {
    if (this.#response.headersSent || this.#ending.signal.aborted) return;
    this.#response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    this.#response.flushHeaders();
  }

  /** Longer with each failure in a row. Meanwhile a comment shows the page that the console is still there. */
  #pause(): Promise<void> {
    const { first, longest } = this.#options.backoffMs ?? BACKOFF_MS;
    const waitMs = Math.min(longest, first * 2 ** this.#failures) * (0.5 + Math.random() / 2);
    this.#failures += 1;
    const { signal } = this.#ending;
    if (signal.aborted) return Promise.resolve();
    this.#begin();
    this.#response.write(': the customer is asked again\n\n');
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
