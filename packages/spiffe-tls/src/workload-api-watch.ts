/**
 * Keeps one stream of the Workload API open: opens it, hands messages on, and opens it again when it ends (Workload API
 * section 4.2). It knows nothing of what the messages say; who uses it decides what a failure means.
 *
 * Each attempt has its own channel. grpc-js answers calls at once with the last failure while a channel waits to
 * reconnect, so two backoffs, one above the other, would see a restarted agent late.
 */
import type { ClientReadableStream } from '@grpc/grpc-js';
import type { Backoff } from './backoff.ts';
import type { Clock } from './clock.ts';
import type { SpiffeWorkloadAPIClient } from './gen/workload.ts';
import { toWorkloadApiFailure, type WorkloadApiFailure } from './workload-api-error.ts';

/**
 * A stream that lived this long after a useful message is opened again at once; a shorter one counts as a failed
 * attempt, or a server that answers and hangs up would be called in a tight loop.
 */
const STABLE_MS = 1000;

/** What a watch needs. */
export interface StreamWatchOptions<Message> {
  /** The RPC's name, for messages. */
  readonly method: string;
  /** A new client for each attempt; the watch closes it. */
  readonly connect: () => SpiffeWorkloadAPIClient;
  readonly open: (client: SpiffeWorkloadAPIClient) => ClientReadableStream<Message>;
  /** Takes a message; `true` when it was of use, which lets the backoff begin anew. */
  readonly onMessage: (message: Message) => boolean;
  /** Told of each end of the stream. After one of kind `fatal` the watch has stopped. */
  readonly onFailure: (failure: WorkloadApiFailure) => void;
  readonly backoff: Backoff;
  readonly clock: Clock;
}

/** What a watch is doing. */
export type StreamWatchState =
  | {
      readonly type: 'open';
      readonly client: SpiffeWorkloadAPIClient;
      readonly stream: ClientReadableStream<unknown>;
      usefulSinceMs: number | undefined;
    }
  | { readonly type: 'pausing'; readonly untilMs: number; readonly cancel: () => void }
  | { readonly type: 'stopped' };

/** A running watch. */
export interface StreamWatch {
  state(): StreamWatchState;
  /** Ends the stream and all waiting; idempotent. */
  close(): void;
}

/** Starts watching. The first call is made before this returns. */
export function createStreamWatch<Message>(options: StreamWatchOptions<Message>): StreamWatch {
  const { backoff, clock } = options;
  let state: StreamWatchState = { type: 'stopped' };

  function open(): void {
    const client = options.connect();
    const stream = options.open(client);
    const session: StreamWatchState = { type: 'open', client, stream, usefulSinceMs: undefined };
    state = session;
    stream.on('data', (message: Message) => {
      if (state !== session) return;
      if (options.onMessage(message)) session.usefulSinceMs ??= clock.now();
    });
    // These stay attached after the end: a cancelled stream reports its cancellation.
    stream.on('error', (cause) => end(session, cause));
    stream.on('end', () => end(session, undefined));
  }

  function end(session: StreamWatchState, cause: unknown): void {
    if (state !== session || session.type !== 'open') return;
    session.client.close();
    const failure = toWorkloadApiFailure(cause, options.method);
    state = failure.kind === 'fatal' ? { type: 'stopped' } : pause(failure, session.usefulSinceMs);
    options.onFailure(failure);
  }

  function pause(failure: WorkloadApiFailure, usefulSinceMs: number | undefined): StreamWatchState {
    const wasStable = usefulSinceMs !== undefined && clock.now() - usefulSinceMs >= STABLE_MS;
    if (wasStable) backoff.reset();
    const denied = failure.kind === 'denied';
    const delayMs = wasStable && !denied ? 0 : backoff.next(denied ? 'denied' : 'unavailable');
    return { type: 'pausing', untilMs: clock.now() + delayMs, cancel: clock.schedule(delayMs, open) };
  }

  function close(): void {
    const last = state;
    state = { type: 'stopped' };
    if (last.type === 'pausing') last.cancel();
    if (last.type === 'open') {
      last.stream.cancel();
      last.client.close();
    }
  }

  open();
  return { state: () => state, close };
}
