/** Where decision events go beside the process's own log, and what is counted on the way. */
import type { DecisionEvent } from './decision-event.ts';

/**
 * Why an event never arrived. `buffer-full`: the oldest gave way to a newer one. `too-large`: it fits in no upload.
 * `refused`: the receiver answered that it does not want it. `closed`: the process ended before it was taken. `failed`: the
 * sink itself threw, or nobody stands behind it.
 */
export type DropReason = 'buffer-full' | 'too-large' | 'refused' | 'closed' | 'failed';

/** A change of a sink's counters, for metrics. */
export interface Delivery {
  /** The sink's name. */
  readonly sink: string;
  readonly outcome: 'sent' | 'dropped';
  readonly reason?: DropReason;
  /** Events, at least 1. */
  readonly count: number;
}

/** Counters of a sink since its start. Events are counted, not uploads. */
export interface SinkStats {
  /** Waiting, or on their way without an answer yet. */
  readonly buffered: number;
  /** Bytes of JSON of those. */
  readonly bufferedBytes: number;
  readonly sent: number;
  readonly dropped: Readonly<Record<DropReason, number>>;
  /** Attempts that will be made again, and nothing was lost by. */
  readonly retries: number;
}

/** A receiver that may be slow or away. Recording into it never waits, and never fails the call. */
export interface DecisionSink {
  /** `endpoint`, `otlp`. */
  readonly name: string;
  /** Takes an event without waiting. */
  record(event: DecisionEvent): void;
  stats(): SinkStats;
  /** Delivers what it can within the sink's bound; what is left then is dropped and counted. Never rejects. */
  close(): Promise<void>;
}

/** Counts for one sink and tells about each change. */
export interface DeliveryCounter {
  sent(count: number): void;
  dropped(reason: DropReason, count: number): void;
  retried(): void;
  stats(): Omit<SinkStats, 'buffered' | 'bufferedBytes'>;
}

/** Makes the counters of a sink. @param onDelivery is told of each change; what it throws is ignored */
export function createDeliveryCounter(sink: string, onDelivery?: (delivery: Delivery) => void): DeliveryCounter {
  const dropped = { 'buffer-full': 0, 'too-large': 0, refused: 0, closed: 0, failed: 0 };
  let sent = 0;
  let retries = 0;
  const tell = (delivery: Delivery) => {
    try {
      onDelivery?.(delivery);
    } catch {
      // Somebody's metrics must not stop the log.
    }
  };
  return {
    sent(count) {
      if (count === 0) return;
      sent += count;
      tell({ sink, outcome: 'sent', count });
    },
    dropped(reason, count) {
      if (count === 0) return;
      dropped[reason] += count;
      tell({ sink, outcome: 'dropped', reason, count });
    },
    retried() {
      retries += 1;
    },
    stats: () => ({ sent, retries, dropped: { ...dropped } }),
  };
}
