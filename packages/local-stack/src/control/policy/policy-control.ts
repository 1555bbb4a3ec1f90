/**
 * The grants of a running system, read, checked, changed and changed back. A change is made for a state: when the file is
 * another by now, somebody else's change would be lost, and nothing is done.
 */
import { isDeepStrictEqual } from 'node:util';
import { LocalStackError } from '../../errors.ts';
import type { AbilityState, DecidedInput, PolicyCheck, PolicyProblem, PolicyState } from '../stack-control.ts';
import { type GrantsText, readGrants, revisionOf } from './grants-file.ts';
import { parseGrantsText } from './grants-text.ts';
import { changeGrants, refused } from './policy-change.ts';
import { checkGrants } from './policy-check.ts';
import type { FollowedSystem } from './policy-followers.ts';
import { createPolicyHistory } from './policy-history.ts';
import { type PolicyPlace, policyPlaceOf, whyNotWritable } from './policy-place.ts';

/** What the control is made with. */
export interface PolicyControlOptions {
  readonly system: FollowedSystem;
  /** As the system was started with: `POLICY_*` say where the policy is. */
  readonly env: NodeJS.ProcessEnv;
  /** SPIFFE IDs that somebody can have beside the workloads of `identities.json`: a partner's. */
  readonly knownIds?: readonly string[];
  /** How long a service may take to load new grants, in milliseconds; default 10 000. */
  readonly takenWithinMs?: number;
}

/** The part of the stack's control that is about the policy. */
export interface PolicyControl {
  ability(): Promise<AbilityState>;
  policy(): Promise<PolicyState>;
  checkPolicy(text: string, recent: readonly DecidedInput[]): Promise<PolicyCheck>;
  /** @throws {LocalStackError} `POLICY_CHANGED`, `POLICY_REFUSED`: the grants are as they were */
  applyPolicy(text: string, revision: string): Promise<PolicyState>;
  /** @throws {LocalStackError} as {@link PolicyControl.applyPolicy} */
  undoPolicy(revision: string): Promise<PolicyState>;
}

/** Makes the control. Nothing is read before it is asked. */
export function createPolicyControl(options: PolicyControlOptions): PolicyControl {
  const { system, takenWithinMs: withinMs = 10_000 } = options;
  const found = policyPlaceOf(options.env);
  const history = createPolicyHistory();
  const inTurn = createTurns();
  const workloads = system.identities.names().map((name) => system.identities.workload(name).spiffeId);
  const knownIds = new Set([...workloads, ...(options.knownIds ?? [])]);
  const check = (text: string, recent: readonly DecidedInput[]) =>
    checkGrants(text, { place: placeOf(found), recent, knownIds });
  const stateOf = ({ text, revision }: GrantsText): PolicyState => ({
    ...{ text, revision, undoable: history.undoable(text) },
    asGenerated: isSameJson(text, system.identities.grants()),
  });
  const changeTo = async (to: string, { text: from }: GrantsText): Promise<void> => {
    const [problem] = (await check(to, [])).problems;
    if (problem !== undefined) throw refused(described(problem));
    await changeGrants({ from, to }, { system, place: placeOf(found), withinMs });
  };
  return {
    async ability() {
      const why = 'why' in found ? found.why : await whyNotWritable(found.place);
      return why === undefined ? { there: true } : { there: false, why };
    },
    policy: async () => stateOf(await readGrants(placeOf(found).grants)),
    checkPolicy: check,
    applyPolicy: (text, revision) =>
      inTurn(async () => {
        const present = await presentGrants(placeOf(found), revision);
        if (text === present.text) return stateOf(present);
        await changeTo(text, present);
        history.push({ before: present.text, after: text });
        return stateOf({ text, revision: revisionOf(text) });
      }),
    undoPolicy: (revision) =>
      inTurn(async () => {
        const present = await presentGrants(placeOf(found), revision);
        const text = history.before(present.text);
        if (text === undefined) throw refused('there is no applied change to undo');
        await changeTo(text, present);
        history.pop();
        return stateOf({ text, revision: revisionOf(text) });
      }),
  };
}

function placeOf(found: ReturnType<typeof policyPlaceOf>): PolicyPlace {
  if ('why' in found) throw refused(found.why);
  return found.place;
}

/** The grants, if they are those that a change was made for. */
async function presentGrants(place: PolicyPlace, revision: string): Promise<GrantsText> {
  const present = await readGrants(place.grants);
  if (present.revision === revision) return present;
  throw new LocalStackError(
    'POLICY_CHANGED',
    'policy: the grants were changed by somebody else meanwhile; nothing was applied',
  );
}

function isSameJson(text: string, value: unknown): boolean {
  const read = parseGrantsText(text);
  return 'parsed' in read && isDeepStrictEqual(read.parsed.value, value);
}

function described({ line, column, message }: PolicyProblem): string {
  return line === undefined ? message : `line ${line}, column ${column ?? 1}: ${message}`;
}

/** Changes one after the other: each is made for a state, and waits for the services. */
function createTurns(): <Result>(change: () => Promise<Result>) => Promise<Result> {
  let last: Promise<unknown> = Promise.resolve();
  return (change) => {
    const next = last.then(change);
    last = next.catch(() => undefined);
    return next;
  };
}
