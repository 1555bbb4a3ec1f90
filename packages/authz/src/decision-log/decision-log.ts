/**
 * The decision log of a process: each record becomes one event, masked once, and goes to every delivery. The process's own
 * log is written before the call goes on, and a record that can't be written refuses the call; the sinks behind it may be
 * slow, full or away, and no call notices.
 */
import { randomUUID } from 'node:crypto';
import type { DecisionRecord } from '../decision-record.ts';
import { createDecisionEvent, type DecisionEvent, type DecisionTrace } from './decision-event.ts';
import { createDeliveryCounter, type DecisionSink, type Delivery, type SinkStats } from './decision-sink.ts';
import { parseMaskRules } from './mask-rules.ts';

/** How {@link createDecisionLog} works. */
export interface DecisionLogOptions {
  /** Name of the service, the label `service`. */
  readonly service: string;
  /** Version of the service, the label `version`. */
  readonly version: string;
  /** The label `id`. Default: a random UUID, so one a process start. */
  readonly instanceId?: string;
  /** Masks, as {@link parseMaskRules} reads them. Default: none. */
  readonly masks?: unknown;
  /** IDs of the active span. Default: none. */
  readonly traceIds?: () => DecisionTrace | undefined;
  /** Writes the event into the process's own log, at once. What it throws refuses the call. Default: no such log. */
  readonly write?: (event: DecisionEvent) => void;
  /** Everything else that gets the events. */
  readonly sinks?: readonly DecisionSink[];
  /** Told of sinks that throw; the sinks tell of their own deliveries. */
  readonly onDelivery?: (delivery: Delivery) => void;
}

/** Counters of a decision log. */
export interface DecisionLogStats {
  /** Records taken. */
  readonly recorded: number;
  /** By the sink's name. */
  readonly sinks: Readonly<Record<string, SinkStats>>;
}

/** A decision log in use. */
export interface DecisionLog {
  /** For a guard's `onDecision`. Throws what `write` or masking throws, so that the guard refuses. */
  readonly record: (record: DecisionRecord) => void;
  stats(): DecisionLogStats;
  /** Ends the sinks within their bounds. Never rejects; twice is once. */
  close(): Promise<void>;
}

/**
 * Makes a decision log.
 * @throws {TypeError} for masks that can't be used, two sinks of one name, or nowhere to write to
 * @example createHttpGuard({ engine, self, onDecision: createDecisionLog({ service, version, write, sinks: [endpoint] }).record })
 */
export function createDecisionLog(options: DecisionLogOptions): DecisionLog {
  const { service, version, instanceId = randomUUID(), traceIds, write, sinks = [] } = options;
  const masks = parseMaskRules(options.masks ?? []);
  const names = sinks.map(({ name }) => name);
  if (new Set(names).size < names.length) throw new TypeError('decision log: each sink needs a name of its own');
  if (write === undefined && sinks.length === 0) throw new TypeError('decision log: needs somewhere to write to');
  const labels = Object.freeze({ id: instanceId, service, version });
  const failures = new Map(names.map((name) => [name, createDeliveryCounter(name, options.onDelivery)]));
  let recorded = 0;
  let closing: Promise<void> | undefined;

  return {
    record(record) {
      const event = createDecisionEvent(record, { labels, trace: traceIds?.(), masks });
      write?.(event);
      recorded += 1;
      for (const sink of sinks) {
        try {
          sink.record(event);
        } catch {
          failures.get(sink.name)?.dropped('failed', 1);
        }
      }
    },
    stats: () => ({
      recorded,
      sinks: Object.fromEntries(sinks.map((sink) => [sink.name, statsOf(sink, failures.get(sink.name)?.stats())])),
    }),
    close() {
      closing ??= Promise.allSettled(sinks.map((sink) => sink.close())).then(() => {});
      return closing;
    },
  };
}

/** A sink's own counters with the times that it threw, which it can't count itself. */
function statsOf(sink: DecisionSink, thrown: Pick<SinkStats, 'dropped'> | undefined): SinkStats {
  const stats = sink.stats();
  const failed = stats.dropped.failed + (thrown?.dropped.failed ?? 0);
  return { ...stats, dropped: { ...stats.dropped, failed } };
}
