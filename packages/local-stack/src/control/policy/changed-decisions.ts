/**
 * Recent decisions asked again: which of them would be another one. One is another when it lets a call in that was refused
 * or the reverse, or hides other fields of the answer; a refusal for another reason is the same to whoever called.
 */
import {
  AuthzError,
  type PolicyEngine,
  type PolicyResult,
  parsePolicyInput,
  parsePolicyResult,
} from '@countersign/authz';
import { hiddenInput, inputToReplay } from '../../policy/find-decision.ts';
import type { ChangedDecision, DecidedInput, PolicyCheck, PolicyVerdict } from '../stack-control.ts';

/** Outcome of asking again. */
export type Replayed = Pick<PolicyCheck, 'tried' | 'untried' | 'changed'>;

/** Asks each again. One whose input or result was masked away can't be, and is only counted. */
export function changedDecisions(engine: Pick<PolicyEngine, 'decide'>, recent: readonly DecidedInput[]): Replayed {
  const replays = recent.map((decided) => replayOf(engine, decided)).filter((replay) => replay !== undefined);
  return {
    tried: replays.length,
    untried: recent.length - replays.length,
    changed: replays.filter(isOther),
  };
}

/** `undefined` when it can't be asked again. */
function replayOf(engine: Pick<PolicyEngine, 'decide'>, decided: DecidedInput): ChangedDecision | undefined {
  if (hiddenInput(decided).length > 0 || hidesResult(decided)) return undefined;
  try {
    const before = verdictOf(parsePolicyResult(decided.result));
    const input = parsePolicyInput(inputToReplay(decided));
    const after = verdictOf(engine.decide(input));
    const { self, peer, operation } = input;
    return {
      decisionId: decided.decisionId,
      before,
      after,
      self: self.spiffe_id,
      peer: peer.spiffe_id,
      operation,
    };
  } catch (error) {
    if (error instanceof AuthzError) return undefined;
    throw error;
  }
}

function hidesResult({ hidden }: DecidedInput): boolean {
  return hidden.some((path) => path === '/result' || path.startsWith('/result/'));
}

function verdictOf({ allow, reason, obligations }: PolicyResult): PolicyVerdict {
  const hides = new Set(obligations.flatMap(({ fields }) => fields));
  return { allow, reason, hides: [...hides].sort() };
}

function isOther({ before, after }: ChangedDecision): boolean {
  return before.allow !== after.allow || before.hides.join() !== after.hides.join();
}
