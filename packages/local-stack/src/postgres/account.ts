/**
 * Who runs PostgreSQL. It refuses to run as root, so root gives it to an unprivileged account: `postgres` where there is
 * one, else `nobody`. Anyone else runs it as himself.
 */
import { spawnSync } from 'node:child_process';
import { LocalStackError } from '../errors.ts';

/** An account other than our own: PostgreSQL is spawned as it. */
export interface PostgresAccount {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/**
 * The account for PostgreSQL; undefined means the user who runs this.
 * @throws {LocalStackError} `POSTGRES_ACCOUNT` for root on a machine without `postgres` and `nobody`.
 */
export function findPostgresAccount(): PostgresAccount | undefined {
  if (process.geteuid?.() !== 0) return undefined;
  const account = ['postgres', '_postgres', 'nobody'].map(lookUp).find((found) => found !== undefined);
  if (account === undefined) {
    throw new LocalStackError(
      'POSTGRES_ACCOUNT',
      'PostgreSQL refuses to run as root, and this machine has neither an account "postgres" nor "nobody"; run npm start as an ordinary user',
    );
  }
  return account;
}

/** The spawn options that make a child run as the account. Node drops root's other groups when it sets the user. */
export function asAccount(account: PostgresAccount | undefined): { uid?: number; gid?: number } {
  return account === undefined ? {} : { uid: account.uid, gid: account.gid };
}

/** Asks the kernel, as that account: file modes, access lists and mount options all have their say. */
export function mayRead(account: PostgresAccount | undefined, path: string): boolean {
  if (account === undefined) return true;
  const { status } = spawnSync('/bin/sh', ['-c', 'test -r "$1"', 'sh', path], {
    ...asAccount(account),
    cwd: '/',
    stdio: 'ignore',
  });
  return status === 0;
}

/** True when the account can go through a directory, every one above it included. */
export function mayEnter(account: PostgresAccount | undefined, directory: string): boolean {
  if (account === undefined) return true;
  const { status } = spawnSync('/bin/sh', ['-c', 'cd "$1"', 'sh', directory], {
    ...asAccount(account),
    cwd: '/',
    stdio: 'ignore',
  });
  return status === 0;
}

function lookUp(name: string): PostgresAccount | undefined {
  const uid = numberFromId('-u', name);
  const gid = numberFromId('-g', name);
  return uid === undefined || gid === undefined || uid === 0 ? undefined : { name, uid, gid };
}

/** `id` asks whatever the machine gets its accounts from, not `/etc/passwd` alone. */
function numberFromId(flag: string, name: string): number | undefined {
  const { status, stdout } = spawnSync('id', [flag, name], { encoding: 'utf8' });
  return status === 0 && /^\d+\n$/.test(stdout) ? Number(stdout) : undefined;
}
