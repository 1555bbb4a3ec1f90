/**
 * SPIRE's X.509 authority replaced: prepare, activate, taint, revoke. No step before everybody is ready for it, so no call
 * fails; what was copied before is worth nothing afterwards.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { LocalStackError } from '../errors.ts';
import type { SpireAuthority } from '../spire/control.ts';
import { hasNew, type PodLine } from './cluster-logs.ts';
import type { RotationParts } from './rotate.ts';

/** What it works with. */
export interface RollCaParts extends RotationParts {
  /** Restarts the pod of server and controller manager; resolves when it is ready again. */
  restartServer(): Promise<void>;
  /** Default: waits. */
  readonly wait?: (ms: number) => Promise<unknown>;
}

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
  const before = await logs.read();
  const renewed = await logs.untilEachHas(hasNew('svid'), () => tell('taint', active));
  const waitMs = retirementMs(before, renewed, Date.now());
  print(
    `tainted    ${active?.id}: every SVID is of the new one; ${Math.ceil(waitMs / 1000)} s for connections of the old`,
  );
  await wait(waitMs);
  await logs.untilEachHas(hasNew('bundles'), () => tell('revoke', active));
  print(`revoked    ${active?.id}: in no bundle any more`);
}

/** A client gives up connections of its former SVID within this part of what is left of that SVID's life (`retireWindow`). */
const retireWindow = 0.1;

/** An SVID that a pod told of. */
interface ToldSvid {
  readonly serial: unknown;
  readonly toldAtMs: number;
  readonly notAfterMs: number;
}

/**
 * How long connections that were made with a former SVID may still be used. Revoked earlier, they would end in the middle
 * of calls.
 * @param before lines that tell of the former SVIDs
 * @param renewed lines that tell of the new ones: where a log goes not back far enough, the former lived no longer
 */
export function retirementMs(before: readonly PodLine[], renewed: readonly PodLine[], nowMs: number): number {
  const told = Map.groupBy(before.filter(isTold), ({ pod }) => pod);
  const known = [...told.values()].flatMap((lines) => endsOf(lines.map(svidOf), nowMs));
  const unknown = renewed.filter((line) => isTold(line) && !told.has(line.pod)).map(svidOf);
  const ends = [...known, ...unknown.map(({ notAfterMs }) => endOf(notAfterMs, nowMs))];
  return Math.max(0, ...ends.map((endMs) => endMs - nowMs));
}

/** When the connections of each SVID are given up: after the next one came, and of the last after now. */
function endsOf(svids: readonly ToldSvid[], nowMs: number): number[] {
  return svids.map(({ serial, notAfterMs }, index) => {
    const next = svids.slice(index + 1).find((other) => other.serial !== serial);
    return endOf(notAfterMs, next?.toldAtMs ?? nowMs);
  });
}

function endOf(notAfterMs: number, replacedAtMs: number): number {
  return replacedAtMs + Math.max(0, notAfterMs - replacedAtMs) * retireWindow;
}

function isTold({ record }: PodLine): boolean {
  return record?.['event'] === 'identity' && typeof record['notAfterMs'] === 'number';
}

function svidOf({ record, time }: PodLine): ToldSvid {
  const notAfterMs = Number(record?.['notAfterMs'] ?? 0);
  return { serial: record?.['serialNumber'], toldAtMs: Date.parse(time), notAfterMs };
}
