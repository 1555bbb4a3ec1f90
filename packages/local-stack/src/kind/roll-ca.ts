/**
 * SPIRE's X.509 authority replaced: prepare, activate, taint, revoke. No step before every pod has heard of the one
 * before it, so no call fails; what was copied before is worth nothing afterwards.
 */
import { LocalStackError } from '../errors.ts';
import type { SpireAuthority } from '../spire/control.ts';
import { hasNew } from './cluster-logs.ts';
import type { RotationParts } from './rotate.ts';

/** Resolves when the old authority is in no bundle. */
export async function rollCa({ spire, logs, print }: RotationParts): Promise<void> {
  const { active, old } = await spire.x509Authorities();
  // Half of an earlier run: SPIRE prepares no third authority while this one is neither tainted nor revoked.
  const tell = (verb: string, authority: SpireAuthority | undefined) => {
    if (authority === undefined) throw new LocalStackError('CLUSTER_FAILED', `SPIRE names no authority to ${verb}`);
    return spire.command(['localauthority', 'x509', verb, '-authorityID', authority.id]);
  };
  print(`active authority ${active?.id}${old === undefined ? '' : `, old ${old.id}`}`);
  await logs.untilEachHas(hasNew('bundles'), () => spire.command(['localauthority', 'x509', 'prepare']));
  const { prepared } = await spire.x509Authorities();
  print(`prepared ${prepared?.id}: in every bundle`);
  await tell('activate', prepared);
  print('activated: it signs from now on');
  await logs.untilEachHas(hasNew('svid'), () => tell('taint', active));
  print(`tainted ${active?.id}: every SVID is of the new authority`);
  await logs.untilEachHas(hasNew('bundles'), () => tell('revoke', active));
  print(`revoked ${active?.id}: in no bundle any more`);
}
