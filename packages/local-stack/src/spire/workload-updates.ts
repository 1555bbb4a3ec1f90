/**
 * Waits until what was changed at the server has reached the workloads: the agent asks every five seconds, and a CA must
 * not be used, or dropped, before everybody knows.
 */
import type { LogRecord } from '../part.ts';
import type { ProgramName } from '../supervisor.ts';
import type { RunningSystem } from '../system.ts';

/** The programs that hold an identity for as long as the system runs, and the event that tells of a new one. */
const identityEvents: ReadonlyArray<readonly [program: ProgramName, event: string]> = [
  ['customer', 'identity'],
  ['backend', 'identity'],
  ['db-client', 'identity'],
  ['postgres', 'certificate'],
];

const updateTimeoutMs = 45_000;

/** Does something, and resolves when every program has had an update of this kind since. */
export async function untilEveryoneHas(
  system: Pick<RunningSystem, 'waitForLog'>,
  changed: 'svid' | 'bundles',
  change: () => Promise<unknown>,
): Promise<void> {
  const since = recordsFromNow();
  await change();
  await Promise.all(
    identityEvents.map(([program, event]) =>
      system.waitForLog(
        program,
        (record) => since(record) && record['event'] === event && has(record, changed),
        updateTimeoutMs,
      ),
    ),
  );
}

/** A test of records: true for those written after this call. */
export function recordsFromNow(): (record: LogRecord) => boolean {
  const now = new Date().toISOString();
  return (record) => String(record['time']) > now;
}

function has(record: LogRecord, name: 'svid' | 'bundles'): boolean {
  const { changed } = record;
  return typeof changed === 'object' && changed !== null && new Map(Object.entries(changed)).get(name) === true;
}
