/**
 * What a text of grants would do: whether it can be used, what is odd about it, and which recent decisions it would change.
 */
import { findGrantProblems } from '@countersign/authz';
import type { DecidedInput, PolicyCheck, PolicyProblem } from '../stack-control.ts';
import { changedDecisions } from './changed-decisions.ts';
import { grantWarnings } from './grant-warnings.ts';
import { revisionOf } from './grants-file.ts';
import { parseGrantsText } from './grants-text.ts';
import type { PolicyPlace } from './policy-place.ts';
import { rehearse } from './rehearsal.ts';

/** What a text is checked with. */
export interface CheckOptions {
  readonly place: PolicyPlace;
  /** Decisions to try the text on. */
  readonly recent: readonly DecidedInput[];
  /** SPIFFE IDs that somebody can have. */
  readonly knownIds: ReadonlySet<string>;
}

/** More would not be read, and each comes over the socket. */
const MAX_PROBLEMS = 50;

/** Changes nothing. */
export async function checkGrants(text: string, { place, recent, knownIds }: CheckOptions): Promise<PolicyCheck> {
  const revision = revisionOf(text);
  const invalid = (problems: readonly PolicyProblem[]): PolicyCheck => ({
    ...{ valid: false, problems, warnings: [], tried: 0, untried: 0, changed: [], revision },
  });
  const { problems, warnings } = readGrantsText(text, knownIds);
  if (problems.length > 0) return invalid(problems);
  const tried = await rehearse(place, text, (engine) => changedDecisions(engine, recent));
  if (!tried.taken) return invalid([{ at: '', message: tried.why }]);
  return { valid: true, problems, warnings, ...tried.result, revision };
}

function readGrantsText(text: string, knownIds: ReadonlySet<string>): Pick<PolicyCheck, 'problems' | 'warnings'> {
  const read = parseGrantsText(text);
  if ('problems' in read) return { problems: read.problems.slice(0, MAX_PROBLEMS), warnings: [] };
  const { value, problem } = read.parsed;
  const located = (found: readonly { readonly at: string; readonly message: string }[]) =>
    found.slice(0, MAX_PROBLEMS).map(({ at, message }) => problem(at, message));
  return { problems: located(findGrantProblems(value)), warnings: located(grantWarnings(value, knownIds)) };
}
