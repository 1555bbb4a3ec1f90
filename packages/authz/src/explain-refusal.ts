/**
 * Why a guard refused, in full: for the log and the span, and for answers in development. Nothing in it decides.
 */
import { explainRefusal, type RefusalExplanation } from '@countersign/refusals';
import { AuthzError } from './errors.ts';
import type { PolicyInput } from './policy-document.ts';
import type { Decision } from './policy-engine.ts';

/** Ends of {@link authorizeCall}'s deliberation that are refusals, and the one that may be none. */
export type Outcome =
  | { readonly kind: 'decided'; readonly decision: Decision; readonly input: PolicyInput }
  | { readonly kind: 'unauthenticated' | 'malformed' }
  | { readonly kind: 'chain'; readonly error: ChainFailure }
  | { readonly kind: 'unavailable'; readonly error: unknown };

/** What an error of the caller chain says of itself. */
export interface ChainFailure {
  readonly code: string;
  readonly message: string;
  readonly expected?: string | undefined;
  readonly got?: string | undefined;
}

/** Explains a refusal; `undefined` for a call that is allowed. */
export function explainOutcome(outcome: Outcome, decisionId: string): RefusalExplanation | undefined {
  switch (outcome.kind) {
    case 'decided':
      return outcome.decision.allow ? undefined : explainDenial(outcome.decision, outcome.input, decisionId);
    case 'unauthenticated':
      return explainRefusal({
        stage: 'peer',
        code: 'PEER_NOT_VERIFIED',
        expected: 'a verified SPIFFE ID',
        got: 'none, or one that is no longer valid',
        decisionId,
      });
    case 'malformed':
      return explainRefusal({
        stage: 'policy',
        code: 'PATH_MALFORMED',
        expected: 'a path that can be read in one way alone',
        got: 'another',
        decisionId,
      });
    case 'chain': {
      const { code, message, expected, got } = outcome.error;
      return explainRefusal({ stage: 'chain', code, expected: expected ?? message, got, decisionId });
    }
    default:
      return explainUnavailable(outcome.error, decisionId);
  }
}

/** Explains that a decision could not be made, or not be recorded. */
export function explainUnavailable(error: unknown, decisionId: string): RefusalExplanation {
  const code = error instanceof AuthzError ? error.code : 'GUARD_FAILED';
  const message = error instanceof Error ? error.message : String(error);
  const got = `${code}: ${message}`;
  return explainRefusal({ stage: 'policy', code: 'POLICY_UNAVAILABLE', expected: 'a decision', got, decisionId });
}

function explainDenial({ reason, rule }: Decision, input: PolicyInput, decisionId: string): RefusalExplanation {
  const { spiffe_id: peer } = input.peer;
  return explainRefusal({
    stage: 'policy',
    code: 'POLICY_DENIED',
    reason,
    rule,
    expected: `a grant of ${input.self.spiffe_id} for ${input.operation}`,
    got: `${peer}: ${reason}`,
    decisionId,
  });
}
