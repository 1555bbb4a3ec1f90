/**
 * A new root on disk in the place of the old one, and no step before every workload has heard of the one before it.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { RunningSystem } from '../system.ts';
import { type Holder, type IdentityNews, untilHeard } from '../workload-updates.ts';
import type { SpireAuthority, SpireControl } from './control.ts';

/** Clients take up to five seconds to leave the connections that they made with an SVID of the old root. */
const leaveConnectionsMs = 7_000;

/**
 * Rotates it. Resolves when none of the workloads has the old root any more.
 * @param workloads that run and have an identity
 * @throws {LocalStackError} `CONTROL_TIMEOUT` and who has not heard; the steps after that are not taken. `SPIRE_FAILED`
 */
export async function rotateRootOnDisk(
  spire: SpireControl,
  system: Pick<RunningSystem, 'waitForLog'>,
  workloads: readonly Holder[],
): Promise<void> {
  const until = (changed: 'svid' | 'bundles', step: () => Promise<unknown>) => {
    const news: IdentityNews = { changed };
    return untilHeard(system, { news, workloads }, step);
  };
  const { active: old } = await spire.x509Authorities();
  await spire.replaceRoot();
  await until('bundles', () => spire.command(['localauthority', 'x509', 'prepare']));
  const { prepared } = await spire.x509Authorities();
  await spire.command(['localauthority', 'x509', 'activate', '-authorityID', known(prepared).id]);
  const upstream = (verb: string) =>
    spire.command(['upstreamauthority', verb, '-subjectKeyID', known(old).upstreamKeyId ?? '']);
  await until('svid', () => upstream('taint'));
  await delay(leaveConnectionsMs);
  await until('bundles', () => upstream('revoke'));
}

/** The certificates of the trust domain's bundle, as PEM bodies. */
export async function rootsOf(spire: SpireControl): Promise<readonly string[]> {
  const pem = await spire.command(['bundle', 'show', '-format', 'pem']);
  return pem.match(/-----BEGIN CERTIFICATE-----[^-]+/g) ?? [];
}

function known(authority: SpireAuthority | undefined): SpireAuthority {
  if (authority === undefined) throw new TypeError('local-stack: SPIRE names no such authority');
  return authority;
}
