/**
 * A PostgreSQL that outlived a killed run: found by the process ID in its data folder, checked to be that server and no
 * stranger who got the number later, and stopped.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { LocalStackError, systemErrorCode } from '../errors.ts';
import { commandLineOf, findProcess, isRunning, type ProcessIdentity } from '../process-identity.ts';
import type { PostgresLocation } from './location.ts';

/** Each signal asks less politely: fast (roll back, checkpoint), immediate (recover at the next start), the kernel's. */
const steps: readonly { signal: NodeJS.Signals; waitMs: number }[] = [
  { signal: 'SIGINT', waitMs: 3_000 },
  { signal: 'SIGQUIT', waitMs: 1_000 },
  { signal: 'SIGKILL', waitMs: 1_000 },
];

/**
 * Stops a server left behind in this location, if there is one.
 * @returns the process that was stopped
 * @throws {LocalStackError} `POSTGRES_FAILED` when it can't be stopped.
 */
export async function stopStalePostmaster(location: PostgresLocation): Promise<ProcessIdentity | undefined> {
  const found = findPostmaster(location);
  if (found === undefined) return undefined;
  for (const { signal, waitMs } of steps) {
    if (!send(found, signal)) return found;
    if (await gone(found, waitMs)) return found;
  }
  throw new LocalStackError(
    'POSTGRES_FAILED',
    `a PostgreSQL of an earlier run (process ${found.pid}) does not stop; end it with: kill -9 ${found.pid}`,
  );
}

/** The running server of this location, or undefined. */
export function findPostmaster(location: PostgresLocation): ProcessIdentity | undefined {
  const pid = Number(readPidFile(join(location.data, 'postmaster.pid')).split('\n')[0]);
  const found = findProcess(pid);
  // Its only argument names its configuration file, which no other program has on its command line.
  return found !== undefined && commandLineOf(pid).includes(configArgument(location)) ? found : undefined;
}

/** The argument that the server is started with. */
export function configArgument(location: PostgresLocation): string {
  return `config_file=${join(location.conf, 'postgresql.conf')}`;
}

function readPidFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return '';
    throw error;
  }
}

function send({ pid }: ProcessIdentity, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch (error) {
    if (systemErrorCode(error) === 'ESRCH') return false;
    throw error;
  }
}

/** No event tells of the end of a process that is not our child: look now and then. */
async function gone(found: ProcessIdentity, waitMs: number): Promise<boolean> {
  for (const end = Date.now() + waitMs; Date.now() < end; ) {
    if (!isRunning(found)) return true;
    await delay(20);
  }
  return !isRunning(found);
}
