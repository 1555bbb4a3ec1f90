/**
 * What is known about the call in progress: who we are, who calls, what was decided. It lives in an async context, so a
 * log line anywhere below the handler carries it without being passed anything.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { ATTRIBUTES } from './attributes.ts';
import { countDecision, countRefusal, type RefusalStage } from './metrics.ts';
import { annotateSpan, nameSpanByRoute, type SpanAttributes } from './span.ts';

/** One end of a connection. */
export interface Party {
  /** SPIFFE ID. */
  readonly id: string;
  /** Serial number of the SVID in use. */
  readonly serial?: string | undefined;
}

/** What a guard decided, as far as logs and spans show it. */
export interface RecordedDecision {
  readonly allow: boolean;
  readonly decisionId: string;
  readonly rule?: string | undefined;
  readonly reason?: string | undefined;
  /** The matched route or the full gRPC method. */
  readonly operation?: string | undefined;
  /** Why nothing could be decided; absent when the policy decided. */
  readonly errorCode?: string | undefined;
  /** How long the policy took, in seconds; absent when it was not asked. */
  readonly evaluationSeconds?: number | undefined;
}

/** What the verified caller chain says about the call in progress. Never values from a header that was not verified. */
export interface RecordedChain {
  /** The transaction: equal at every hop, and there without tracing too. */
  readonly txn: string;
  /** SPIFFE ID of the chain's first signer. */
  readonly origin: string;
  /** SPIFFE IDs of all signers, origin first. */
  readonly chain: readonly string[];
}

/** Why a call was refused, under the names that a log line has for it. */
export interface RecordedRefusal {
  readonly stage: RefusalStage;
  readonly code: string;
  readonly rule: string;
  readonly expected?: string;
  readonly got?: string;
  /** Of the decision that refused, if one did; it may be the next service's. */
  readonly decision_id?: string;
  readonly remedy: string;
}

/** The call in progress. */
export interface CallRecord extends Partial<Mutable<RecordedChain>> {
  readonly transport: 'http' | 'https' | 'grpc';
  readonly self: Party | undefined;
  readonly peer: Party | undefined;
  readonly startedMs: number;
  operation: string | undefined;
  decision: RecordedDecision | undefined;
  refusal?: RecordedRefusal;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const current = new AsyncLocalStorage<CallRecord>();

/** Runs `action` as part of a call. */
export function withCallRecord<T>(record: CallRecord, action: () => T): T {
  return current.run(record, action);
}

/** The call in progress; `undefined` outside any. */
export function currentCallRecord(): Readonly<CallRecord> | undefined {
  return current.getStore();
}

/** Fields of the call in progress for a log line; `undefined` outside any call. Pass it to `createLogger` as `callFields`. */
export function currentCallFields(): Record<string, unknown> | undefined {
  const record = current.getStore();
  return record === undefined ? undefined : callFields(record);
}

/** Notes what the guard decided on the call in progress, puts it on the active span and counts it. */
export function recordDecision(decision: RecordedDecision): void {
  countDecision(decision);
  const record = current.getStore();
  if (record !== undefined) {
    record.decision = decision;
    record.operation = decision.operation ?? record.operation;
  }
  if (record?.transport !== 'grpc' && decision.operation !== undefined) nameSpanByRoute(decision.operation);
  annotateSpan({
    [ATTRIBUTES.decision]: decision.allow ? 'allow' : 'deny',
    [ATTRIBUTES.decisionId]: decision.decisionId,
    [ATTRIBUTES.rule]: decision.rule,
    [ATTRIBUTES.reason]: decision.reason,
  });
}

/**
 * Notes the verified caller chain of the call in progress and puts it on the active span. The edge, where a chain starts,
 * notes its own, with itself as the origin.
 */
export function recordChain({ txn, origin, chain }: RecordedChain): void {
  const record = current.getStore();
  if (record !== undefined) Object.assign(record, { txn, origin, chain });
  annotateSpan(chainAttributes({ txn, origin, chain }));
}

/** The chain as span attributes; a call without one has none. */
export function chainAttributes(chain: Readonly<Partial<RecordedChain>> | undefined): SpanAttributes {
  if (chain?.txn === undefined) return {};
  return {
    [ATTRIBUTES.txn]: chain.txn,
    [ATTRIBUTES.originId]: chain.origin,
    [ATTRIBUTES.chain]: chain.chain === undefined ? undefined : [...chain.chain],
  };
}

/** Notes why the call in progress is refused, for its log lines, the active span and the metrics. The first reason counts. */
export function recordRefusal(refusal: RecordedRefusal): void {
  const record = current.getStore();
  if (record?.refusal !== undefined) return;
  if (record !== undefined) record.refusal = refusal;
  countRefusal(refusal.stage, refusal.code);
  annotateSpan({ [ATTRIBUTES.refusalCode]: refusal.code, [ATTRIBUTES.refusalStage]: refusal.stage });
}

/** Names the operation of a call that no guard decides on, as the edge's own routes. */
export function recordOperation(operation: string): void {
  const record = current.getStore();
  if (record !== undefined) record.operation = operation;
  nameSpanByRoute(operation);
}

/** The fields of a log line about a call, under the names that all services use. */
export function callFields(record: CallRecord): Record<string, unknown> {
  const { self, peer, decision } = record;
  return {
    self: self?.id,
    peer: peer?.id,
    origin: record.origin,
    txn: record.txn,
    operation: record.operation,
    transport: record.transport,
    ...(decision && {
      decision: decision.allow ? 'allow' : 'deny',
      decision_id: decision.decisionId,
      rule: decision.rule,
      ...(decision.allow ? {} : { reason: decision.reason }),
    }),
    ...record.refusal,
    self_serial: self?.serial,
    peer_serial: peer?.serial,
  };
}
