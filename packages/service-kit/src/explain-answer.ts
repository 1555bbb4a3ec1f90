/** Why a handler or the edge refuses, in full, from what it answers; also when it only passes on another service's refusal. */
import { explainRefusal, findStage, type RefusalExplanation } from '@countersign/refusals';

/** The parts of an answer that matter here. */
export interface RefusingAnswer {
  /** The code. */
  readonly reason?: string | undefined;
  /** For people; for a field it names its rule. */
  readonly detail: string;
  readonly field?: string | undefined;
  readonly expected?: string | undefined;
  readonly got?: string | undefined;
  readonly decision_id?: string | undefined;
}

/** Explains; `undefined` for an answer that is no refusal, such as a failure of the service itself. */
export function explainAnswer(answer: RefusingAnswer): RefusalExplanation | undefined {
  const { reason: code, field, decision_id: decisionId } = answer;
  const stage = code === undefined ? undefined : findStage(code, decisionId !== undefined);
  if (code === undefined || stage === undefined) return undefined;
  // A field's value is the caller's and may be about a person: its rule alone is told.
  const expected = answer.expected ?? (field === undefined ? undefined : answer.detail);
  return explainRefusal({ stage, code, expected, got: answer.got, decisionId });
}
