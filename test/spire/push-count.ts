/**
 * How many SVIDs the agent sent to each program of the system, by its own log, and how many the program took.
 */
import type { LogRecord, PartName, ProgramName } from '@countersign/local-stack';

/** The programs that hold an identity, and the event that tells of a new one. */
const EVENTS: ReadonlyArray<readonly [program: PartName, event: string]> = [
  ['customer', 'identity'],
  ['backend', 'identity'],
  ['db-client', 'identity'],
  ['postgres', 'certificate'],
];

/** Counts of one program. */
export interface Pushes {
  readonly program: PartName;
  readonly sent: number;
  readonly taken: number;
}

/** The counter. */
export interface PushCounter {
  /** Takes each record of the system. */
  onRecord(program: ProgramName, record: LogRecord): void;
  /** Since the last call. @param pidOf the process that the agent sees */
  count(pidOf: (program: PartName) => number | undefined): Pushes[];
}

/** Counts from now on. The agent must log at debug level: a message of its own for each that it sends. */
export function createPushCounter(): PushCounter {
  const sent = new Map<number, number>();
  const taken = new Map<ProgramName, number>();
  return {
    onRecord(program, record) {
      if (program === 'trust-domain') {
        const pid = sentTo(record);
        if (pid !== undefined) sent.set(pid, (sent.get(pid) ?? 0) + 1);
      } else if (EVENTS.some(([name, event]) => name === program && event === record['event']))
        taken.set(program, (taken.get(program) ?? 0) + 1);
    },
    count(pidOf) {
      const pushes = EVENTS.map(([program]) => ({
        program,
        sent: sent.get(pidOf(program) ?? 0) ?? 0,
        taken: taken.get(program) ?? 0,
      }));
      sent.clear();
      taken.clear();
      return pushes;
    },
  };
}

/** The process ID in the agent's line about one message of `FetchX509SVID`. */
function sentTo({ event, message, spire }: LogRecord): number | undefined {
  if (event !== 'spire' || message !== 'Fetched X.509 SVID') return undefined;
  const pid = typeof spire === 'object' && spire !== null && 'pid' in spire ? spire.pid : undefined;
  return typeof pid === 'number' ? pid : undefined;
}
