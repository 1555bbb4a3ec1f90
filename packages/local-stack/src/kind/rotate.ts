/**
 * Every SVID renewed now. An update of an entry that changes nothing still raises its revision, and the agents sign
 * such entries anew at their next sync; the controller manager finds what it wants to find and leaves it.
 */
import type { Identities } from '@countersign/identities';
import { LocalStackError } from '../errors.ts';
import type { SpireCommands } from '../spire/control.ts';
import { type ClusterLogs, hasNew, type PodLine } from './cluster-logs.ts';
import { entriesToUpdate } from './registered-entries.ts';

/** What rotations work with. */
export interface RotationParts {
  readonly spire: SpireCommands;
  readonly logs: ClusterLogs;
  readonly identities: Identities;
  print(text: string): void;
}

/** Resolves when every pod has a new SVID. */
export async function rotate({ spire, logs, identities, print }: RotationParts): Promise<void> {
  const ids = new Set(identities.names().map((name) => identities.workload(name).spiffeId));
  const entries = entriesToUpdate(await spire.command(['entry', 'show', '-output', 'json']), ids);
  if (entries.length === 0)
    throw new LocalStackError(
      'CLUSTER_FAILED',
      'SPIRE has no entry of identities.json: are the ClusterSPIFFEIDs there?',
    );
  const renewed = await logs.untilEachHas(hasNew('svid'), () => spire.updateEntries(entries));
  for (const line of renewed) print(describe(line));
  print(`${entries.length} entries, ${renewed.length} pods: every SVID is new`);
}

function describe({ pod, record }: PodLine): string {
  const serial = record?.['serialNumber'];
  return `${pod}: ${typeof serial === 'string' ? `serial ${serial}` : 'files written, PostgreSQL told to reload'}`;
}
