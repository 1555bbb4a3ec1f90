/**
 * Other grants for the running services: written in one step, and taken back unless each of them has loaded them.
 */
import { LocalStackError } from '../../errors.ts';
import { replaceGrants } from './grants-file.ts';
import { type FollowedSystem, runningFollowers, untilTaken } from './policy-followers.ts';
import type { PolicyPlace } from './policy-place.ts';
import { rehearse } from './rehearsal.ts';

/** Where and for whom. */
export interface ChangeOptions {
  readonly system: FollowedSystem;
  readonly place: PolicyPlace;
  /** How long a service may take. */
  readonly withinMs: number;
}

/** Both texts. */
export interface GrantsChange {
  /** In the file now. */
  readonly from: string;
  readonly to: string;
}

/**
 * Resolves when every service that runs and decides has loaded the new text.
 * @throws {LocalStackError} `POLICY_REFUSED`: the file is as it was, and the message says who did not take it
 */
export async function changeGrants({ from, to }: GrantsChange, options: ChangeOptions): Promise<void> {
  const { place, system, withinMs } = options;
  const next = await rehearse(place, to, () => {});
  if (!next.taken) throw refused(next.why);
  const former = await rehearse(place, from, () => {});
  const write = () => replaceGrants(place.grants, to);
  // The same grants in other words: nobody loads anything.
  if (former.taken && former.revision === next.revision) return write();
  const services = runningFollowers(system);
  const { taken, missed } = await untilTaken({ system, services, revision: next.revision, withinMs, change: write });
  if (missed.length === 0) return;
  const change = () => replaceGrants(place.grants, from);
  // Former grants that no engine takes are put back all the same: they are what was there.
  const back = former.taken
    ? await untilTaken({ system, services: taken, revision: former.revision, withinMs, change })
    : await change().then(() => ({ missed: [] }));
  throw refused([...missed, 'the former grants are back', ...back.missed].join('; '));
}

/** Why grants are not changed. */
export function refused(why: string): LocalStackError {
  return new LocalStackError('POLICY_REFUSED', `policy: ${why}`);
}
