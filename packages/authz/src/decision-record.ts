/**
 * One decision, or one failure to decide, in the shape of OPA's decision log, so that tools made for OPA read it.
 * @see https://www.openpolicyagent.org/docs/management-decision-logs
 */
import { ENTRYPOINT } from './bundle/manifest.ts';
import type { PolicyInput, PolicyResult } from './policy-document.ts';

/** A line of the decision log. Every decision ID that a peer is given is in exactly one. */
export interface DecisionRecord {
  readonly decision_id: string;
  /** The document that was asked for. */
  readonly path: string;
  /** Absent when nothing could be asked: the connection has no verified peer, or the request was no question. */
  readonly input?: PolicyInput;
  readonly result?: PolicyResult;
  /** Why there is no result. */
  readonly error?: { readonly code: string; readonly message: string };
  /** Absent when no policy was asked. */
  readonly bundles?: Readonly<Record<string, { readonly revision: string }>>;
  /** RFC 3339, UTC. */
  readonly timestamp: string;
  readonly metrics: { readonly timer_rego_query_eval_ns: number };
}

/** What a record is made of. */
export interface DecisionRecordParts {
  readonly decisionId: string;
  readonly input?: PolicyInput | undefined;
  readonly result?: (PolicyResult & { readonly revision: string }) | undefined;
  readonly error?: { readonly code: string; readonly message: string } | undefined;
  readonly nowMs: number;
  readonly durationNs: number;
}

/** Name of the policy's bundle in the records. */
const BUNDLE = 'countersign';

/** Makes the record; its parts are copied, so that what is logged is what was decided. */
export function createDecisionRecord(parts: DecisionRecordParts): DecisionRecord {
  const { decisionId, input, result, error, nowMs, durationNs } = parts;
  return {
    decision_id: decisionId,
    path: ENTRYPOINT,
    ...(input === undefined ? {} : { input }),
    ...(result === undefined ? {} : { result: resultOf(result), bundles: { [BUNDLE]: { revision: result.revision } } }),
    ...(error === undefined ? {} : { error: { code: error.code, message: error.message } }),
    timestamp: new Date(nowMs).toISOString(),
    metrics: { timer_rego_query_eval_ns: durationNs },
  };
}

function resultOf({ allow, reason, rule, obligations }: PolicyResult): PolicyResult {
  return { allow, reason, rule, obligations };
}
