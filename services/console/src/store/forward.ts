/**
 * Sends what the console receives on to a Collector, as it came. It is a courtesy and never in the way: a bounded queue, one
 * request at a time, and what a slow or absent Collector can't take is dropped and counted.
 */
import { randomUUID } from 'node:crypto';
import type { RawExport } from '@countersign/otlp-receiver';
import { type Answer, createPost } from './forward-request.ts';

/** How {@link createForwarder} sends. */
export interface ForwarderOptions {
  /** As `OTEL_EXPORTER_OTLP_ENDPOINT`: `/v1/traces` and so on are added. */
  readonly endpoint: URL;
  /** Sent with each request; never logged. */
  readonly headers: ReadonlyMap<string, string>;
  /** Told when the Collector can't be reached, refuses, or is reached again. */
  readonly onState?: (state: ForwardState) => void;
  readonly maxQueueBytes?: number;
  readonly timeoutMs?: number;
}

/** How it stands with the Collector. */
export type ForwardState =
  | { readonly state: 'sending' }
  /** It is tried again at the next export. */
  | { readonly state: 'away'; readonly why: string }
  /** The endpoint is this console: nothing is sent from now on. */
  | { readonly state: 'loop' };

export interface ForwardStats {
  readonly sent: number;
  readonly dropped: number;
  readonly queued: number;
  readonly state: ForwardState['state'];
}

export interface Forwarder {
  /** Queues one export, or drops it. Never throws, never waits. */
  readonly take: (raw: RawExport) => void;
  readonly stats: () => ForwardStats;
  /** Sends what is queued for so long, then drops the rest. */
  readonly close: (graceMs: number) => Promise<void>;
}

const MAX_QUEUE_BYTES = 8 * 1024 * 1024;
const TIMEOUT_MS = 5_000;
/** While the Collector is away: long enough to cost nothing, short enough to be noticed. */
const PAUSE_MS = 5_000;

export function createForwarder(options: ForwarderOptions): Forwarder {
  const { maxQueueBytes = MAX_QUEUE_BYTES, timeoutMs = TIMEOUT_MS, onState } = options;
  // Comes back in what is received when the endpoint leads here.
  const userAgent = `countersign-console/${randomUUID()}`;
  const ending = new AbortController();
  const post = createPost({ ...options, userAgent, timeoutMs, signal: ending.signal });
  const queue: RawExport[] = [];
  let queuedBytes = 0;
  let counts = { sent: 0, dropped: 0 };
  let state: ForwardState = { state: 'sending' };
  let pausedUntil = 0;
  let working: Promise<void> | undefined;

  function become(next: ForwardState): void {
    const changed = next.state !== state.state;
    state = next;
    if (changed) onState?.(next);
  }

  function drop(count = 1): void {
    counts = { ...counts, dropped: counts.dropped + count };
  }

  async function work(): Promise<void> {
    for (let raw = queue.shift(); raw !== undefined; raw = queue.shift()) {
      queuedBytes -= raw.body.length;
      note(await post(raw));
    }
    working = undefined;
  }

  function note(answer: Answer): void {
    if (answer.taken) counts = { ...counts, sent: counts.sent + 1 };
    else drop();
    if (state.state === 'loop') return;
    become(answer.taken ? { state: 'sending' } : { state: 'away', why: answer.why });
    if (answer.taken || !answer.away) return;
    // Nobody is there: what waits would only wait for the next timeout.
    pausedUntil = performance.now() + PAUSE_MS;
    empty();
  }

  function empty(): void {
    drop(queue.length);
    queue.length = 0;
    queuedBytes = 0;
  }

  return {
    take(raw) {
      if (raw.userAgent === userAgent) become({ state: 'loop' });
      const isFull = queuedBytes + raw.body.length > maxQueueBytes;
      if (state.state === 'loop' || isFull || performance.now() < pausedUntil || ending.signal.aborted) return drop();
      queue.push(raw);
      queuedBytes += raw.body.length;
      working ??= work();
    },
    stats: () => ({ ...counts, queued: queue.length, state: state.state }),
    async close(graceMs) {
      const cut = setTimeout(() => {
        empty();
        ending.abort();
      }, graceMs);
      await working;
      clearTimeout(cut);
      ending.abort();
    },
  };
}
