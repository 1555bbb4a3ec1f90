/**
 * What leaves a process about a decision: the record with what only the process knows, in the shape of OPA's decision log
 * (`EventV1`), and after masking, so that no delivery ever holds what a mask takes away.
 * @see https://www.openpolicyagent.org/docs/management-decision-logs
 */
import type { DecisionRecord } from '../decision-record.ts';
import { applyMasks, type MaskRule } from './mask-rules.ts';

/** Which process decided. OPA's labels are free; these three are always there. */
export interface DecisionLabels {
  /** One ID a process start. */
  readonly id: string;
  /** Name of the service. */
  readonly service: string;
  /** Version of the service. */
  readonly version: string;
}

/** IDs of the span in which the decision was made, as W3C Trace Context writes them. */
export interface DecisionTrace {
  readonly trace_id: string;
  readonly span_id: string;
}

/** One event of the decision log. */
export interface DecisionEvent {
  readonly labels: DecisionLabels;
  readonly decision_id: string;
  readonly trace_id?: string;
  readonly span_id?: string;
  readonly bundles?: Readonly<Record<string, { readonly revision: string }>>;
  readonly path: string;
  /** The policy's input after masking: what a mask leaves need not fit the input's schema. */
  readonly input?: unknown;
  readonly result?: unknown;
  /** Paths of the `remove` masks that took something away. */
  readonly erased?: readonly string[];
  /** Paths of the `upsert` masks that were written. */
  readonly masked?: readonly string[];
  readonly error?: { readonly code: string; readonly message: string };
  /** SPIFFE ID of the verified peer, where OPA has a client's address. Read after masking: it goes with the input's. */
  readonly requested_by?: string;
  /** RFC 3339, UTC. */
  readonly timestamp: string;
  readonly metrics: Readonly<Record<string, number>>;
}

/** What an event has beside the record. */
export interface EventContext {
  readonly labels: DecisionLabels;
  readonly trace: DecisionTrace | undefined;
  readonly masks: readonly MaskRule[];
}

/** Makes the event. The record is not changed, and what is masked is a copy. */
export function createDecisionEvent(record: DecisionRecord, { labels, trace, masks }: EventContext): DecisionEvent {
  const { input, result, erased, masked } = applyMasks(masks, record);
  const requestedBy = requestedByOf(input);
  return {
    labels,
    decision_id: record.decision_id,
    ...(trace === undefined ? {} : { trace_id: trace.trace_id, span_id: trace.span_id }),
    ...(record.bundles === undefined ? {} : { bundles: record.bundles }),
    path: record.path,
    ...(input === undefined ? {} : { input }),
    ...(result === undefined ? {} : { result }),
    ...(erased.length === 0 ? {} : { erased }),
    ...(masked.length === 0 ? {} : { masked }),
    ...(record.error === undefined ? {} : { error: record.error }),
    ...(requestedBy === undefined ? {} : { requested_by: requestedBy }),
    timestamp: record.timestamp,
    metrics: { ...record.metrics },
  };
}

function requestedByOf(input: unknown): string | undefined {
  const peer = ownProperty(input, 'peer');
  const id = ownProperty(peer, 'spiffe_id');
  return typeof id === 'string' ? id : undefined;
}

function ownProperty(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return Object.getOwnPropertyDescriptor(value, name)?.value;
}
