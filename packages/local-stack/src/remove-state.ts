/**
 * Removes all state of a system that does not run, wherever it is kept: a test's last step, a fresh start's first.
 */
import { existsSync, realpathSync, rmSync } from 'node:fs';
import { loadIdentities } from '@countersign/identities';
import { LocalStackError } from './errors.ts';
import { removePostgresLocation } from './postgres/location.ts';
import { findLockHolder } from './run-lock.ts';
import { openStateDirectory, removeSocketsOutside } from './state-directory.ts';

/**
 * Removes the state directory and what belongs to it outside: sockets of a deep checkout, the database of root's.
 * @throws {LocalStackError} `ALREADY_RUNNING`
 */
export function removeStateDirectory(stateDirectory: string): void {
  if (!existsSync(stateDirectory)) return;
  const root = realpathSync(stateDirectory);
  const holder = findLockHolder(root);
  if (holder !== undefined)
    throw new LocalStackError(
      'ALREADY_RUNNING',
      `a system runs in ${root} (process ${holder.pid}): stop it before its state is removed`,
    );
  removeSocketsOutside(openStateDirectory(root, loadIdentities().names()));
  removePostgresLocation(root);
  rmSync(root, { recursive: true, force: true });
}
