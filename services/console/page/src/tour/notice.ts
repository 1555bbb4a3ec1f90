/** What the tour looks for in what the page knows, to tell whether a step was done. */
import type { AttackDescription } from '../../../src/wire/actions.ts';
import type { Workload } from '../../../src/wire/model.ts';
import type { Runs } from '../attacks/attack-list.ts';
import type { Grant } from '../policy/grants.ts';

/** The attack of the story: a proper certificate under a name that nobody has granted anything, over HTTPS if there is one. */
export function findRogue(attacks: readonly AttackDescription[]): AttackDescription | undefined {
  const rogues = attacks.filter(({ caller }) => caller === 'rogue');
  return rogues.find(({ transport }) => transport === 'https') ?? rogues[0] ?? attacks[0];
}

/** The newest refused attack among these runs, if any was refused as it must be. */
export function findRefused(runs: Runs): (Runs[string] & { readonly state: 'done' }) | undefined {
  for (const run of Object.values(runs)) {
    if (run.state === 'done' && run.result.verdict === 'refused') return run;
  }
  return undefined;
}

/** The grant that an order by HTTP needs: the one that lets somebody make something by POST. */
export function findOrderGrant(grants: readonly Grant[]): Grant | undefined {
  return grants.find(({ operation }) => operation.startsWith('POST '));
}

/** How often each workload that is up has had its certificate renewed. */
export function rotationsOf(workloads: ReadonlyMap<string, Workload>): Readonly<Record<string, number>> {
  const rotations: Record<string, number> = {};
  for (const { id, state, svid, rotations: count } of workloads.values()) {
    if (state === 'ready' && svid !== undefined) rotations[id] = count;
  }
  return rotations;
}

/** How many of these had another renewal since. */
export function rotatedSince(
  before: Readonly<Record<string, number>>,
  workloads: ReadonlyMap<string, Workload>,
): { readonly rotated: number; readonly of: number } {
  const ids = Object.keys(before);
  const rotated = ids.filter((id) => (workloads.get(id)?.rotations ?? 0) > (before[id] ?? 0));
  return { rotated: rotated.length, of: ids.length };
}
