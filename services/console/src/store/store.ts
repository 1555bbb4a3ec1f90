/**
 * What the console knows of the system, from telemetry alone: takes spans, log records and metrics, and gives the model of
 * `wire/model.ts`, whole or what changed since a revision. Synchronous, without I/O or timers; the clock is a parameter.
 */
import type { DecidedInput } from '@countersign/local-stack/control';
import type { LogRecord, NumberPoint, Span } from '@countersign/otlp-receiver';
import type { LoadState } from '../wire/actions.ts';
import type { DecisionDetail, TraceDetail } from '../wire/model.ts';
import { type Patch, RECENT, type Snapshot } from '../wire/stream.ts';
import { createModel, type Model } from './model.ts';
import { takeRecord } from './take-logs.ts';
import { takeMetrics } from './take-metrics.ts';
import { takeSpans } from './take-spans.ts';

/** How {@link createStore} is set up. */
export interface StoreOptions {
  /** Milliseconds since 1970. Default: the system's clock. */
  readonly now?: () => number;
  /** Without a report for so long a process is `silent`. Default 7 s: three metric intervals of `npm start`, and some. */
  readonly silentAfterMs?: number;
  /** Address of a trace in a viewer, with `{traceId}` in it. */
  readonly traceUrl?: string;
}

/** The store. Its functions may be passed about without it. */
export interface Store {
  readonly takeSpans: (spans: readonly Span[]) => void;
  readonly takeLogs: (records: readonly LogRecord[]) => void;
  readonly takeMetrics: (points: readonly NumberPoint[]) => void;
  readonly setLoad: (state: LoadState) => void;
  /** Does what time alone changes: rates, silence, samples. Once a second. */
  readonly tick: () => void;
  /** Of the latest change. */
  readonly revision: number;
  readonly snapshot: () => Snapshot;
  /** Undefined when too much was forgotten since to tell it all: then a snapshot is due. */
  readonly changesSince: (revision: number) => Patch | undefined;
  readonly trace: (traceId: string) => TraceDetail | undefined;
  readonly decision: (id: string) => DecisionDetail | undefined;
  /** What the latest decisions were made on, the newest first. */
  readonly recentDecisions: () => readonly DecidedInput[];
  /** About how much memory the traces and decisions take that are kept. */
  readonly bytes: number;
}

const SILENT_AFTER_MS = 7_000;

/** Makes an empty one. */
export function createStore({ now = Date.now, silentAfterMs = SILENT_AFTER_MS, traceUrl }: StoreOptions = {}): Store {
  const linkTo = traceUrl === undefined ? undefined : (traceId: string) => traceUrl.replaceAll('{traceId}', traceId);
  const model = createModel({ silentAfterMs, ...(linkTo !== undefined && { linkTo }) });
  let load = { state: IDLE, revision: 0 };
  return {
    takeSpans: (spans) => takeSpans(model, spans, now()),
    takeLogs(records) {
      const nowMs = now();
      for (const record of records) takeRecord(model, record, nowMs);
    },
    takeMetrics: (points) => takeMetrics(model, points, now()),
    setLoad(state) {
      load = { state, revision: model.revision.next() };
    },
    tick: () => model.tick(now()),
    get revision() {
      return model.revision.current;
    },
    snapshot: () => ({ revision: model.revision.current, now: now(), ...everythingOf(model), load: load.state }),
    changesSince(revision) {
      const changes = changesOf(model, revision);
      if (changes === undefined) return undefined;
      const ofLoad = load.revision > revision && { load: load.state };
      return { revision: model.revision.current, now: now(), ...changes, ...ofLoad };
    },
    trace: model.traces.find,
    decision: model.decisions.find,
    recentDecisions: model.decisions.recent,
    get bytes() {
      return model.traces.bytes + model.decisions.bytes;
    },
  };
}

const IDLE: LoadState = { perSecond: 0, sent: 0, failed: 0 };

function everythingOf({ workloads, edges, refusals, decisions, traces, samples }: Model): Lists {
  return {
    workloads: workloads.tracked.values(),
    edges: edges.tracked.values(),
    refusals: newest(refusals.tracked.values(), ({ seq }) => seq),
    decisions: newest(decisions.tracked.values(), ({ at }) => at),
    traces: newest(traces.tracked.values(), ({ startedAt }) => startedAt),
    samples: inOrder(samples.tracked.values()),
  };
}

type Lists = Omit<Snapshot, 'revision' | 'now' | 'load'>;

function changesOf(model: Model, revision: number): Partial<Patch> | undefined {
  const { workloads, edges, refusals, decisions, traces, samples } = model;
  const gone = goneOf(model, revision);
  if (gone === undefined || revision > model.revision.current) return undefined;
  const lists: Lists = {
    workloads: workloads.tracked.changedSince(revision),
    edges: edges.tracked.changedSince(revision),
    refusals: newest(refusals.tracked.changedSince(revision), ({ seq }) => seq),
    decisions: newest(decisions.tracked.changedSince(revision), ({ at }) => at),
    traces: newest(traces.tracked.changedSince(revision), ({ startedAt }) => startedAt),
    samples: inOrder(samples.tracked.changedSince(revision)),
  };
  return { ...Object.fromEntries(Object.entries(lists).filter(([, list]) => list.length > 0)), ...gone };
}

function goneOf({ workloads, edges }: Model, revision: number): Pick<Patch, 'gone'> | undefined {
  const [nodes, lines] = [workloads.tracked.goneSince(revision), edges.tracked.goneSince(revision)];
  if (nodes === undefined || lines === undefined) return undefined;
  if (nodes.length + lines.length === 0) return {};
  return { gone: { ...(nodes.length > 0 && { workloads: nodes }), ...(lines.length > 0 && { edges: lines }) } };
}

function newest<V>(values: V[], rank: (value: V) => number): V[] {
  return values.sort((left, right) => rank(right) - rank(left)).slice(0, RECENT);
}

function inOrder(samples: Snapshot['samples']): Snapshot['samples'] {
  return samples.toSorted((left, right) => left.at - right.at);
}
