/**
 * Which processes SPIRE runs as, on disk: those that a killed run left behind are found and stopped at the next start, and
 * a stranger who got the number later is not.
 */
import { appendFileSync, readFileSync, rmSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { LocalStackError, systemErrorCode } from '../errors.ts';
import { findProcess, isRunning, type ProcessIdentity } from '../process-identity.ts';
import type { SpireLayout } from './layout.ts';

const politeMs = 2_000;
const pollMs = 50;

/** Writes a process down; called when it was started. */
export function recordProcess(layout: SpireLayout, pid: number): void {
  const identity = findProcess(pid);
  if (identity !== undefined) appendFileSync(layout.processes, `${JSON.stringify(identity)}\n`, { mode: 0o600 });
}

/**
 * Stops every recorded process that still runs, and forgets all.
 * @throws {LocalStackError} `SPIRE_FAILED` when one does not end.
 */
export async function stopRecordedProcesses(layout: SpireLayout): Promise<void> {
  await Promise.all(readRecord(layout.processes).filter(isRunning).map(end));
  rmSync(layout.processes, { force: true });
}

async function end(identity: ProcessIdentity): Promise<void> {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    try {
      process.kill(identity.pid, signal);
    } catch (error) {
      if (systemErrorCode(error) !== 'ESRCH') throw error;
    }
    for (const until = Date.now() + politeMs; Date.now() < until; await delay(pollMs)) {
      if (!isRunning(identity)) return;
    }
  }
  throw new LocalStackError(
    'SPIRE_FAILED',
    `a SPIRE process of an earlier run (${identity.pid}) does not stop; end it with: kill -9 ${identity.pid}`,
  );
}

function readRecord(file: string): ProcessIdentity[] {
  try {
    // Ours: written by recordProcess in a folder that only root can write to.
    return readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as ProcessIdentity);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT' || error instanceof SyntaxError) return [];
    throw error;
  }
}
