/**
 * SPIRE's X.509 authority replaced: prepare, activate, taint, revoke. No step before everybody is ready for it, so no call
 * fails; what was copied before is worth nothing afterwards.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { LocalStackError } from '../errors.ts';
import type { SpireAuthority } from '../spire/control.ts';
import { hasNew } from './cluster-logs.ts';
import type { RotationParts } from './rotate.ts';

/** What it works with. */
export interface RollCaParts extends RotationParts {
  /** Restarts the pod of server and controller manager; resolves when it is ready again. */
  restartServer(): Promise<void>;
  /** Default: waits. */
  readonly wait?: (ms: number) => Promise<unknown>;
}

/** Clients leave connections of a former authority within 5 s, and calls that began on them end within their deadline of 3 s. */
const leavingMs = 10_000;

/** Resolves when the old authority is in no bundle. */
export async function rollCa({ spire, logs, print, restartServer, wait = delay }: RollCaParts): Promise<void> {
  const { active } = await spire.x509Authorities();
  const tell = (verb: string, authority: SpireAuthority | undefined) => {
    if (authority === undefined) throw new LocalStackError('CLUSTER_FAILED', `SPIRE names no authority to ${verb}`);
    return spire.command(['localauthority', 'x509', verb, '-authorityID', authority.id]);
  };
  await logs.untilEachHas(hasNew('bundles'), () => spire.command(['localauthority', 'x509', 'prepare']));
  const { prepared } = await spire.x509Authorities();
  print(`prepared   ${prepared?.id}: in every bundle`);
  await tell('activate', prepared);
  // The controller manager keeps its webhook's certificate for a day, whoever signed it: with the old authority gone the API
  // server would believe it no more, and no ClusterSPIFFEID could be changed.
  await restartServer();
  print(`activated  ${prepared?.id}: it signs from now on, the webhook's certificate too`);
  await logs.untilEachHas(hasNew('svid'), () => tell('taint', active));
  print(`tainted    ${active?.id}: every SVID is of the new one; ${leavingMs / 1000} s for connections of the old`);
  await wait(leavingMs);
  await logs.untilEachHas(hasNew('bundles'), () => tell('revoke', active));
  print(`revoked    ${active?.id}: in no bundle any more`);
}
