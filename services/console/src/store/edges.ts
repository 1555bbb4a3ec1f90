/**
 * Who called whom.
 *
 * A call has two ends and each reports it: the caller by a client span, the called by a server span and a `request` record.
 * Edges are made of ONE of them, the called side's record: it alone comes for refused calls too, names the caller as it was
 * verified, has the refusal explained, and is not sampled. Spans only add the chain. PostgreSQL reports nothing, so its edge
 * is made of its caller's spans; a refused handshake has its own record.
 */
import type { Edge, LastCall, Transport } from '../wire/model.ts';
import { defined } from './facts.ts';
import { LIMITS } from './limits.ts';
import { createDurationWindow, type DurationWindow } from './percentiles.ts';
import type { Revision } from './revision.ts';
import { createTracked, type Tracked } from './tracked.ts';

/** A call from one workload to another. */
export interface EdgeCall extends LastCall {
  readonly from: string;
  readonly to: string;
  readonly durationMs?: number;
  /** Of the called side's span, which may say more of the call. */
  readonly spanId?: string;
}

/** What a span knows of a call beside its record. */
export interface SpanFacts {
  readonly chain?: readonly string[];
  readonly decisionId?: string;
  readonly rule?: string;
}

export interface Edges {
  readonly tracked: Tracked<Edge>;
  add(call: EdgeCall): void;
  /** Completes the last call of an edge by its span, whichever of the two came first. */
  addSpan(spanId: string, facts: SpanFacts): void;
  /** Forgets the edges of a workload. */
  forget(workloadId: string): void;
  /** Brings rates and percentiles up to date. */
  tick(nowMs: number): void;
}

const RATE_SECONDS = 10;
const LATENCY_MS = 60_000;
/** Calls have deadlines of a few seconds: what lasts longer is a stream, whose length is no latency. */
const LONGEST_CALL_MS = 10_000;

interface EdgeState {
  readonly durations: DurationWindow;
  /** Calls by second, of the last few. */
  readonly bySecond: Map<number, number>;
  lastSpanId?: string | undefined;
}

export function createEdges(revision: Revision): Edges {
  const tracked = createTracked<Edge>(revision);
  const states = new Map<string, EdgeState>();
  const spans = new Map<string, SpanFacts>();
  const keysBySpan = new Map<string, string>();

  function add(call: EdgeCall): void {
    const key = `${call.from}>${call.to}`;
    const before = tracked.get(key);
    const state = states.get(key) ?? { durations: createDurationWindow(), bySecond: new Map() };
    states.set(key, state);
    note(state, call);
    const isLast = before === undefined || call.at >= before.last.at;
    if (isLast) follow(state, key, call.spanId);
    const known = call.spanId === undefined ? undefined : spans.get(call.spanId);
    tracked.set(key, {
      ...(before ?? { key, from: call.from, to: call.to, perSecond: 0 }),
      transports: withTransport(before?.transports ?? [], call.transport),
      last: isLast ? { ...lastCallOf(call), ...known } : before.last,
      calls: (before?.calls ?? 0) + 1,
      refused: (before?.refused ?? 0) + (isLetIn(call) ? 0 : 1),
    });
    if (tracked.size > LIMITS.edges) remove(leastMissed(tracked.values()));
  }

  function follow(state: EdgeState, key: string, spanId: string | undefined): void {
    if (state.lastSpanId !== undefined) keysBySpan.delete(state.lastSpanId);
    state.lastSpanId = spanId;
    if (spanId !== undefined) keysBySpan.set(spanId, key);
  }

  function addSpan(spanId: string, facts: SpanFacts): void {
    spans.set(spanId, facts);
    for (const oldest of spans.keys()) {
      if (spans.size <= LIMITS.spanFacts) break;
      spans.delete(oldest);
    }
    const key = keysBySpan.get(spanId);
    const edge = key === undefined ? undefined : tracked.get(key);
    if (key !== undefined && edge !== undefined) tracked.set(key, { ...edge, last: { ...edge.last, ...facts } });
  }

  function remove(key: string): void {
    const spanId = states.get(key)?.lastSpanId;
    if (spanId !== undefined) keysBySpan.delete(spanId);
    states.delete(key);
    tracked.delete(key);
  }

  return {
    tracked,
    add,
    addSpan,
    forget(workloadId) {
      for (const { key, from, to } of tracked.values()) if (from === workloadId || to === workloadId) remove(key);
    },
    tick(nowMs) {
      for (const [key, state] of states) refresh(tracked, key, state, nowMs);
    },
  };
}

function note({ durations, bySecond }: EdgeState, call: EdgeCall): void {
  const second = Math.floor(call.at / 1000);
  bySecond.set(second, (bySecond.get(second) ?? 0) + 1);
  if (isLetIn(call) && call.durationMs !== undefined && call.durationMs <= LONGEST_CALL_MS)
    durations.add(call.at, call.durationMs);
}

function isLetIn({ outcome }: LastCall): boolean {
  return outcome === 'allow' || outcome === 'error';
}

function lastCallOf(call: EdgeCall): LastCall {
  const { from: _from, to: _to, durationMs: _duration, spanId: _spanId, ...last } = call;
  return last;
}

function withTransport(transports: readonly Transport[], transport: Transport): readonly Transport[] {
  return transports.includes(transport) ? transports : [...transports, transport];
}

function refresh(tracked: Tracked<Edge>, key: string, { durations, bySecond }: EdgeState, nowMs: number): void {
  const edge = tracked.get(key);
  if (edge === undefined) return;
  const second = Math.floor(nowMs / 1000);
  for (const old of bySecond.keys()) if (old < second - RATE_SECONDS) bySecond.delete(old);
  // The second that has begun is not over: the rate is of whole ones.
  const calls = [...bySecond].reduce((sum, [at, count]) => (at < second ? sum + count : sum), 0);
  const { p50Ms: p50Before, p95Ms: p95Before, perSecond: rateBefore, ...rest } = edge;
  const perSecond = calls / RATE_SECONDS;
  const { p50Ms, p95Ms } = durations.since(nowMs - LATENCY_MS) ?? {};
  if (perSecond === rateBefore && p50Ms === p50Before && p95Ms === p95Before) return;
  tracked.set(key, { ...rest, perSecond, ...defined({ p50Ms, p95Ms }) });
}

/** Which edge to forget when there are too many: of those over which nothing ever went if there are any, the longest unused. */
function leastMissed(edges: readonly Edge[]): string {
  const never = edges.filter(({ calls, refused }) => calls === refused);
  const [first, ...others] = never.length === 0 ? edges : never;
  return others.reduce((oldest, edge) => (edge.last.at < (oldest?.last.at ?? 0) ? edge : oldest), first)?.key ?? '';
}
