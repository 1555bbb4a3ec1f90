/**
 * Rotation and withdrawal on SPIRE, by what an operator of SPIRE would do: entries, and the steps of `localauthority`.
 */
import { randomUUID } from 'node:crypto';
import type { Identities } from '@countersign/identities';
import type { IdentityControl } from '../identity-control.ts';
import type { RunningSystem } from '../system.ts';
import type { SpireAuthority, SpireControl } from './control.ts';
import type { SpireEntry } from './entries.ts';
import { untilEveryoneHas } from './workload-updates.ts';

/** What the control is made from. */
export interface SpireIdentityControlParts {
  readonly spire: SpireControl;
  readonly system: Pick<RunningSystem, 'waitForLog'>;
  readonly identities: Identities;
  /** Entries as the system began with; the ID of each is its workload's name. */
  readonly entries: readonly SpireEntry[];
}

/** The control of a system on SPIRE whose root is on disk. */
export function createSpireIdentityControl({
  spire,
  system,
  identities,
  entries,
}: SpireIdentityControlParts): IdentityControl {
  const present = new Map(entries.map((entry) => [entry.entry_id, entry]));
  const entryOf = (workload: string): SpireEntry => {
    const entry = present.get(workload) ?? entries.find(({ entry_id }) => entry_id === workload);
    if (entry === undefined) throw new TypeError(`local-stack: identities.json has no workload ${workload}`);
    return entry;
  };
  return {
    // An entry that changed at all is signed anew at the agent's next sync.
    rotate: () => spire.updateEntries([...present.values()].map((entry) => ({ ...entry, hint: randomUUID() }))),
    rotateCa: () => rotateRootOnDisk(spire, system),
    roots: () => rootsOf(spire),
    async withdraw(workload) {
      await spire.deleteEntry(entryOf(workload).entry_id);
      present.delete(workload);
    },
    async give(workload, identity = workload) {
      const { spiffeId, dnsName } = identities.workload(identity);
      // The agent knows an entry by ID and revision: under its old ID it would be the one that it already has.
      const entry_id = `${workload}-${randomUUID()}`;
      const entry = { ...entryOf(workload), entry_id, spiffe_id: spiffeId, dns_names: [dnsName] };
      await spire.createEntry(entry);
      present.set(workload, entry);
    },
  };
}

/** A new root on disk, and no step before every workload has heard of the one before it. */
async function rotateRootOnDisk(spire: SpireControl, system: Pick<RunningSystem, 'waitForLog'>): Promise<void> {
  const { active: old } = await spire.x509Authorities();
  await spire.replaceRoot();
  await untilEveryoneHas(system, 'bundles', () => spire.command(['localauthority', 'x509', 'prepare']));
  const { prepared } = await spire.x509Authorities();
  await spire.command(['localauthority', 'x509', 'activate', '-authorityID', known(prepared).id]);
  const upstream = (verb: string) =>
    spire.command(['upstreamauthority', verb, '-subjectKeyID', known(old).upstreamKeyId ?? '']);
  await untilEveryoneHas(system, 'svid', () => upstream('taint'));
  await untilEveryoneHas(system, 'bundles', () => upstream('revoke'));
}

function known(authority: SpireAuthority | undefined): SpireAuthority {
  if (authority === undefined) throw new TypeError('local-stack: SPIRE names no such authority');
  return authority;
}

/** The certificates of the trust domain's bundle, as PEM bodies. */
export async function rootsOf(spire: SpireControl): Promise<readonly string[]> {
  const pem = await spire.command(['bundle', 'show', '-format', 'pem']);
  return pem.match(/-----BEGIN CERTIFICATE-----[^-]+/g) ?? [];
}
