/**
 * One model of a refusal, whatever refuses: what was broken, what was expected, what came, and what to do. It is made for the
 * log, the span and, in development, the answer.
 */
import type { RefusalReason, RefusalRow, RefusalStage, RefusalTable } from './refusal-row.ts';
import { REFUSALS } from './registry.ts';

/** What is known where something is refused. */
export interface RefusalFacts {
  readonly stage: RefusalStage;
  /** Upper-case constant of {@link REFUSALS}; one that is not listed there is explained in general terms. */
  readonly code: string;
  /** The rule in the words or by the name that the refusing code has for it. Default: the registry's. */
  readonly rule?: string | undefined;
  /** Which of the code's reasons it is. */
  readonly reason?: string | undefined;
  readonly expected?: string | undefined;
  readonly got?: string | undefined;
  readonly decisionId?: string | undefined;
}

/** A refusal explained. Its names are those of the fields in log lines and answers. */
export interface RefusalExplanation {
  readonly stage: RefusalStage;
  readonly code: string;
  readonly rule: string;
  readonly expected?: string;
  readonly got?: string;
  readonly decision_id?: string;
  readonly remedy: string;
}

const UNLISTED: RefusalReason = {
  rule: 'not listed',
  remedy: 'This code is not in docs/reference/refusals.md: please report it.',
};

/**
 * Explains a refusal by what is known of it and by the registry. Never throws, so that it can't let anything through.
 * @example explainRefusal({ stage: 'policy', code: 'POLICY_DENIED', reason: 'peer-has-no-grant' }).remedy
 */
export function explainRefusal(facts: RefusalFacts): RefusalExplanation {
  const { stage, code, expected, got, decisionId } = facts;
  const known = reasonOf(facts);
  return {
    stage,
    code,
    rule: facts.rule ?? known.rule,
    ...(expected === undefined ? {} : { expected }),
    ...(got === undefined ? {} : { got }),
    ...(decisionId === undefined ? {} : { decision_id: decisionId }),
    remedy: known.remedy,
  };
}

/** The registry's row of a code; `undefined` when it has none. */
export function findRefusal(stage: RefusalStage, code: string): RefusalRow | undefined {
  const table: RefusalTable = REFUSALS[stage];
  return Object.hasOwn(table, code) ? table[code] : undefined;
}

/** In which order a code that came in an answer is looked for: a code that two stages have is the nearer one's. */
const NEAREST_FIRST: readonly RefusalStage[] = ['edge', 'handler', 'policy', 'chain', 'peer', 'handshake'];
const DECIDED: readonly RefusalStage[] = ['policy', 'chain', 'peer'];

/**
 * The stage of a code that is answered, perhaps as the next service gave it; `undefined` for what is no refusal.
 * @param decided whether a decision's ID came with it, as from guards alone
 */
export function findStage(code: string, decided = false): RefusalStage | undefined {
  return (decided ? DECIDED : NEAREST_FIRST).find((stage) => findRefusal(stage, code) !== undefined);
}

/** The record of a refused connection, as `spiffe-tls` publishes it, with what is missing of the model: stage and remedy. */
export function explainRefusedConnection(
  record: Readonly<Record<string, unknown>>,
): Pick<RefusalExplanation, 'stage' | 'remedy'> {
  const text = (name: string) => (typeof record[name] === 'string' ? record[name] : '');
  const { stage, remedy } = explainRefusal({ stage: 'handshake', code: text('code'), reason: text('rule') });
  return { stage, remedy };
}

function reasonOf({ stage, code, reason }: RefusalFacts): RefusalReason {
  const row = findRefusal(stage, code);
  const { reasons = {} } = row ?? {};
  const particular = reason !== undefined && Object.hasOwn(reasons, reason) ? reasons[reason] : undefined;
  return particular ?? row ?? UNLISTED;
}
