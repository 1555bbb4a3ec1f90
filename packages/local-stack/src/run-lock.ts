/**
 * One running system a state directory. The lock names its holder by process ID and start time, so that a lock left
 * behind by a killed run is seen as stale and taken over.
 */
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LocalStackError, systemErrorCode } from './errors.ts';
import { findProcess, isRunning, type ProcessIdentity } from './process-identity.ts';

/** The lock of this process on a state directory. */
export interface RunLock {
  /** Idempotent. */
  release(): void;
}

/**
 * Takes the lock or says who holds it.
 * @throws {LocalStackError} `ALREADY_RUNNING`.
 */
export function acquireRunLock(stateDirectory: string): RunLock {
  const file = join(stateDirectory, 'lock');
  const mine = writeOwnLock(stateDirectory);
  try {
    // Two rounds: the first may find a stale lock and move it away, the second then takes the free place.
    for (let round = 0; round < 3; round += 1) {
      if (linkIfFree(mine.path, file)) return { release: () => release(file, mine.text) };
      removeIfStale(file, stateDirectory);
    }
    throw alreadyRunning(stateDirectory, undefined);
  } finally {
    rmSync(mine.path, { force: true });
  }
}

/** The process that holds the lock of a state directory; undefined when no system runs there. */
export function findLockHolder(stateDirectory: string): ProcessIdentity | undefined {
  const holder = parseLock(readIfThere(join(stateDirectory, 'lock')) ?? '');
  return holder !== undefined && isRunning(holder) ? holder : undefined;
}

function writeOwnLock(stateDirectory: string): { path: string; text: string } {
  const self = findProcess(process.pid);
  const path = join(stateDirectory, `lock.${process.pid}`);
  const text = `${JSON.stringify(self)}\n`;
  writeFileSync(path, text, { mode: 0o600 });
  return { path, text };
}

/** `link` fails when the name exists: creating the lock and filling it is one step. */
function linkIfFree(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (systemErrorCode(error) === 'EEXIST') return false;
    throw error;
  }
}

function removeIfStale(file: string, stateDirectory: string): void {
  const seen = readIfThere(file);
  if (seen === undefined) return;
  const holder = parseLock(seen);
  if (holder !== undefined && isRunning(holder)) throw alreadyRunning(stateDirectory, holder);
  const aside = `${file}.stale.${process.pid}`;
  renameSync(file, aside);
  const moved = readIfThere(aside);
  rmSync(aside);
  // Another process took the stale lock over between the look and the rename: what we moved away is its fresh lock. Give it back.
  if (moved !== seen && moved !== undefined) {
    writeFileSync(file, moved, { mode: 0o600, flag: 'wx' });
    throw alreadyRunning(stateDirectory, parseLock(moved));
  }
}

function release(file: string, text: string): void {
  if (readIfThere(file) === text) rmSync(file, { force: true });
}

function parseLock(text: string): ProcessIdentity | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || !('pid' in value) || !('started' in value)) return undefined;
    const { pid, started } = value;
    return typeof pid === 'number' && typeof started === 'string' ? { pid, started } : undefined;
  } catch {
    return undefined;
  }
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function alreadyRunning(stateDirectory: string, holder: ProcessIdentity | undefined): LocalStackError {
  const who = holder === undefined ? 'another process' : `process ${holder.pid}`;
  const stop = holder === undefined ? '' : ` Stop it with Ctrl-C where it runs or with: kill ${holder.pid}.`;
  return new LocalStackError(
    'ALREADY_RUNNING',
    `the system already runs in ${stateDirectory} (${who}).${stop} A second one needs its own COUNTERSIGN_STATE_DIR and ports.`,
  );
}
