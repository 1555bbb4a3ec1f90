/**
 * Rotation and withdrawal for the console. Each resolves when every running workload that it concerns has heard of it, or
 * says who has not.
 */
import type { Identities } from '@countersign/identities';
import { LocalStackError } from '../errors.ts';
import type { IdentityControl } from '../identity-control.ts';
import type { RunningSystem } from '../system.ts';
import { type Holder, isHolder, recordsFromNow, untilHeard, untilHeardSince } from '../workload-updates.ts';
import type { StackWorkload } from './stack-control.ts';

/** What the operations are made from. */
export interface IdentityOperationsParts {
  readonly identities: Identities;
  readonly control: IdentityControl;
  readonly system: Pick<RunningSystem, 'waitForLog' | 'pidOf'>;
}

/** The operations; each gives one sentence that says what was done. */
export interface IdentityOperations {
  rotate(workload?: string): Promise<string>;
  rotateCa(): Promise<string>;
  withdraw(workload: string): Promise<string>;
  give(workload: string): Promise<string>;
  workloads(): Promise<StackWorkload[]>;
  /** Those of these names that run and have an identity, so that they hear of what becomes of it. */
  hearing(names: readonly string[]): Promise<Holder[]>;
}

/** After a new CA signs, the old one leaves some seconds later; who waits for that waits a little longer. */
const dropTimeoutMs = 30_000;

/** Makes them. */
export function createIdentityOperations({ identities, control, system }: IdentityOperationsParts): IdentityOperations {
  const running = (names: readonly string[]) =>
    names.filter(isHolder).filter((name) => system.pidOf(name) !== undefined);
  const hearing = async (names: readonly string[]) => {
    const registered = await control.registered();
    return running(names.filter((name) => registered.has(name)));
  };
  return {
    hearing,
    async workloads() {
      const registered = await control.registered();
      return identities.names().map((name) => ({
        name,
        spiffeId: identities.workload(name).spiffeId,
        runs: isHolder(name),
        registered: registered.has(name),
      }));
    },
    async rotate(workload) {
      if (workload !== undefined) await assertRegistered(identities, control, workload);
      const workloads = await hearing(workload === undefined ? identities.names() : [workload]);
      await untilHeard(system, { news: { changed: 'svid' }, workloads }, () => control.rotate(workload));
      return workload === undefined
        ? `Every workload that has an identity got a new SVID; ${inWords(workloads)} took theirs.`
        : `${workload} got a new SVID.`;
    },
    async rotateCa() {
      const [old = ''] = await control.roots();
      const workloads = await hearing(identities.names());
      await control.rotateCa();
      const since = recordsFromNow();
      // On SPIRE nobody has the old root by then; the development trust domain drops it a little later.
      if ((await control.roots()).includes(old))
        await untilHeardSince(system, { news: { changed: 'bundles' }, workloads, timeoutMs: dropTimeoutMs }, since);
      return `A new CA signs, and the old one is trusted no more: ${inWords(workloads)} took new SVIDs and dropped the old root.`;
    },
    async withdraw(workload) {
      assertKnown(identities, workload);
      if (!(await control.registered()).has(workload)) return `${workload} had no identity already.`;
      const workloads = running([workload]);
      await untilHeard(system, { news: { withdrawn: true }, workloads }, () => control.withdraw(workload));
      return `${workload} has no identity any more and gets no SVID; one that somebody copied is good until it expires or the CA is rolled.`;
    },
    async give(workload) {
      assertKnown(identities, workload);
      if ((await control.registered()).has(workload)) return `${workload} had its identity already.`;
      const workloads = running([workload]);
      await untilHeard(system, { news: { changed: 'svid' }, workloads }, () => control.give(workload));
      return `${workload} has its identity again.`;
    },
  };
}

function assertKnown(identities: Identities, workload: string): void {
  const names = identities.names();
  if (names.includes(workload)) return;
  throw new LocalStackError(
    'WORKLOAD_UNKNOWN',
    `identities.json has no workload ${JSON.stringify(workload.slice(0, 80))}; there are ${names.join(', ')}`,
  );
}

/** @throws {LocalStackError} `WORKLOAD_UNKNOWN`, `WORKLOAD_WITHOUT_IDENTITY` */
export async function assertRegistered(
  identities: Identities,
  control: Pick<IdentityControl, 'registered'>,
  workload: string,
): Promise<void> {
  assertKnown(identities, workload);
  if ((await control.registered()).has(workload)) return;
  throw new LocalStackError(
    'WORKLOAD_WITHOUT_IDENTITY',
    `${workload} has no identity at present: it was withdrawn; give it back first`,
  );
}

function inWords(names: readonly string[]): string {
  return names.length === 0 ? 'nobody who runs' : names.join(', ');
}
