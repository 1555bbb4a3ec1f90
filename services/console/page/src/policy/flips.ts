/** Recent decisions that would be other ones, those that are alike counted together: a busy minute makes hundreds of the same. */
import type { ChangedDecision, PolicyVerdict } from '../../../src/wire/actions.ts';

/** One kind of call whose answer would change. */
export interface Flip extends Omit<ChangedDecision, 'decisionId'> {
  readonly key: string;
  /** How many of the recent decisions are of this kind. */
  readonly count: number;
  /** One of them, to look into. */
  readonly decisionId: string;
}

/** Most frequent first; at the same count, what would be refused first. */
export function flipsOf(changed: readonly ChangedDecision[]): readonly Flip[] {
  const flips = new Map<string, Flip>();
  for (const decision of changed) {
    const { self, peer, operation, before, after } = decision;
    const key = [self, peer, operation, sayVerdict(before), sayVerdict(after)].join('\n');
    const known = flips.get(key);
    flips.set(key, known === undefined ? { ...decision, key, count: 1 } : { ...known, count: known.count + 1 });
  }
  return [...flips.values()].sort(
    (one, other) => other.count - one.count || Number(takesAway(other)) - Number(takesAway(one)),
  );
}

/** Whether something that is allowed now would be refused: to be asked about before it is applied. */
export function takesAway({ before, after }: Pick<ChangedDecision, 'before' | 'after'>): boolean {
  return before.allow && !after.allow;
}

/** A verdict in words. */
export function sayVerdict({ allow, reason, hides }: PolicyVerdict): string {
  if (!allow) return `denied: ${reason}`;
  return hides.length === 0 ? 'allowed' : `allowed, hides ${hides.join(', ')}`;
}
