/** What an operator of a trust domain does, and on which kind of trust domain: the same experiments run on each. */
import {
  type LogRecord,
  type ProgramName,
  type RunningSystem,
  recordsFromNow,
  type TrustOperator,
} from '@countersign/local-stack';

/** Where identities come from. */
export type Provider = 'embedded' | 'spire';

/** The same for people. */
export function providerInWords(provider: Provider): string {
  return provider === 'spire' ? 'SPIRE' : 'the development trust domain';
}

/** The operator. */
export interface Trust extends TrustOperator {
  readonly provider: Provider;
}

/** How long a bundle may take: SPIRE's agent asks every five seconds. */
const BUNDLES_MS = 30_000;

/** Does something, and resolves when each of these programs has other bundles. */
export async function untilBundles(
  system: Pick<RunningSystem, 'waitForLog'>,
  programs: readonly ProgramName[],
  change: () => Promise<void>,
): Promise<void> {
  const isSince = recordsFromNow();
  await change();
  const isUpdate = (record: LogRecord) =>
    isSince(record) &&
    record['event'] === 'identity' &&
    JSON.stringify(record['changed'] ?? {}).includes('"bundles":true');
  await Promise.all(programs.map((program) => system.waitForLog(program, isUpdate, BUNDLES_MS)));
}
