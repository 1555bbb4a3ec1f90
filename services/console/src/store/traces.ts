/** The latest traces, from spans that come in any order and from several processes. */
import type { Span } from '@countersign/otlp-receiver';
import { ATTRIBUTES } from '@countersign/telemetry';
import type { Outcome, TraceDetail, TraceSummary } from '../wire/model.ts';
import { createHistory, type History } from './history.ts';
import { LIMITS } from './limits.ts';
import type { Revision } from './revision.ts';
import { bytesOf, type KeptSpan, keptSpan } from './span-view.ts';
import { treeOf } from './trace-tree.ts';
import { createTracked, type Tracked } from './tracked.ts';

export interface Traces {
  readonly tracked: Tracked<TraceSummary>;
  readonly bytes: number;
  add(spans: readonly Span[]): void;
  find(traceId: string): TraceDetail | undefined;
}

interface TraceState {
  readonly spans: Map<string, KeptSpan>;
  bytes: number;
  /** Spans that were counted and not kept. */
  left: number;
  outcome: Outcome;
  startUs: number;
  endUs: number;
  txn?: string | undefined;
}

/** From what says least to what says most of how a call went. */
const OUTCOMES: readonly Outcome[] = ['allow', 'error', 'refused', 'deny'];
const SERVICES = 20;

/** @param linkTo where a trace viewer shows a trace, if there is one */
export function createTraces(revision: Revision, linkTo?: (traceId: string) => string): Traces {
  const tracked = createTracked<TraceSummary>(revision);
  const history = (maxEntries: number) =>
    createHistory<TraceState>({ maxEntries, maxBytes: LIMITS.bytesOfTraces, onForget: (id) => tracked.delete(id) });
  const letIn = history(LIMITS.tracesLetIn);
  const others = history(LIMITS.tracesOther);
  const stateOf = (traceId: string) => letIn.get(traceId) ?? others.get(traceId);

  function addTo(traceId: string, spans: readonly Span[]): void {
    const state = stateOf(traceId) ?? newState();
    for (const span of spans) addSpan(state, span);
    if (state.outcome !== 'allow') letIn.delete(traceId);
    const home: History<TraceState> = state.outcome === 'allow' ? letIn : others;
    home.put(traceId, state, state.bytes);
    if (home.get(traceId) !== undefined) tracked.set(traceId, summaryOf(traceId, state));
  }

  return {
    tracked,
    get bytes() {
      return letIn.bytes + others.bytes;
    },
    add(spans) {
      for (const [traceId, ofTrace] of Map.groupBy(spans, (span) => span.traceId)) addTo(traceId, ofTrace);
    },
    find(traceId) {
      const [state, summary] = [stateOf(traceId), tracked.get(traceId)];
      if (state === undefined || summary === undefined) return undefined;
      const tree = treeOf([...state.spans.values()], state.startUs);
      return { ...summary, tree, ...(linkTo !== undefined && { link: linkTo(traceId) }) };
    },
  };
}

function newState(): TraceState {
  return { spans: new Map(), bytes: 0, left: 0, outcome: 'allow', startUs: Number.POSITIVE_INFINITY, endUs: 0 };
}

function addSpan(state: TraceState, span: Span): void {
  const kept = keptSpan(span);
  state.startUs = Math.min(state.startUs, kept.startUs);
  state.endUs = Math.max(state.endUs, kept.startUs + kept.durationMs * 1_000);
  state.outcome = worseOf(state.outcome, outcomeOf(kept));
  state.txn ??= kept.attributes[ATTRIBUTES.txn];
  // An exporter that heard no answer sends its batch again.
  if (state.spans.has(kept.spanId)) return;
  const bytes = bytesOf(kept);
  if (state.spans.size >= LIMITS.spansOfTrace || state.bytes + bytes > LIMITS.bytesOfTrace) {
    state.left += 1;
    return;
  }
  state.spans.set(kept.spanId, kept);
  state.bytes += bytes;
}

/** A refusal that another service passes on is an error to whoever got it; the one who refused says so by its own span. */
function outcomeOf({ attributes, error }: KeptSpan): Outcome {
  const stage = attributes[ATTRIBUTES.refusalStage];
  const denied = attributes[ATTRIBUTES.decision] === 'deny';
  if (stage === 'edge') return 'refused';
  if (denied) return stage === undefined || stage === 'policy' ? 'deny' : 'refused';
  return error || stage !== undefined ? 'error' : 'allow';
}

function worseOf(left: Outcome, right: Outcome): Outcome {
  return OUTCOMES.indexOf(left) >= OUTCOMES.indexOf(right) ? left : right;
}

function summaryOf(traceId: string, { spans, left, startUs, endUs, outcome, txn }: TraceState): TraceSummary {
  const all = [...spans.values()].sort((before, after) => before.startUs - after.startUs);
  const root = all.find(({ parentSpanId }) => parentSpanId === undefined) ?? all[0];
  return {
    traceId,
    startedAt: Math.trunc(startUs / 1_000),
    durationMs: Math.max(0, endUs - startUs) / 1_000,
    name: root?.name ?? '',
    spans: spans.size + left,
    services: [...new Set(all.map(({ service }) => service))].slice(0, SERVICES),
    outcome,
    ...(txn !== undefined && { txn }),
  };
}
