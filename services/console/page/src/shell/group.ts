/** Refusals that say the same, one after the other, as one with a count: a rogue that tries again and again is one line. */
import type { Refusal } from '../../../src/wire/model.ts';

export interface RefusalGroup {
  /** The newest. */
  readonly refusal: Refusal;
  readonly count: number;
  /** When the oldest was. */
  readonly since: number;
}

/** @param refusals newest first */
export function group(refusals: readonly Refusal[]): readonly RefusalGroup[] {
  const groups: RefusalGroup[] = [];
  for (const refusal of refusals) {
    const last = groups.at(-1);
    if (last && saysTheSame(last.refusal, refusal)) {
      groups[groups.length - 1] = { ...last, count: last.count + 1, since: refusal.at };
    } else {
      groups.push({ refusal, count: 1, since: refusal.at });
    }
  }
  return groups;
}

function saysTheSame(a: Refusal, b: Refusal): boolean {
  return (
    a.self === b.self &&
    a.peer === b.peer &&
    a.stage === b.stage &&
    a.code === b.code &&
    a.operation === b.operation &&
    a.transport === b.transport &&
    a.expected === b.expected &&
    a.got === b.got
  );
}
