/**
 * Where PostgreSQL's files are. For an ordinary user: in the state directory. For root they belong to two: configuration,
 * certificate and key are root's and only readable for PostgreSQL's account, so that a captured server can't change who
 * may log in; data and log are that account's. When the account can't reach the state directory (a checkout under /root),
 * all of it lives in a folder outside, keyed by the state directory, where it survives restarts.
 */
import { createHash } from 'node:crypto';
import { chmodSync, chownSync, existsSync, lstatSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { LocalStackError, messageOf } from '../errors.ts';
import { makeOwnDirectory } from '../state-directory.ts';
import { mayEnter, type PostgresAccount } from './account.ts';

/** The folders of one PostgreSQL. */
export interface PostgresLocation {
  readonly root: string;
  /** `postgresql.conf`, `pg_hba.conf`, `pg_ident.conf`. */
  readonly conf: string;
  /** `server.crt`, `server.key`, `ca.crt`. */
  readonly tls: string;
  readonly data: string;
  readonly log: string;
  /** Where to put a copy of the programs; made when it is asked for. */
  readonly programs: () => string;
}

/**
 * Makes the folders or finds them as the last run left them.
 * @throws {LocalStackError} `STATE_DIRECTORY`
 */
export function openPostgresLocation(stateRoot: string, account: PostgresAccount | undefined): PostgresLocation {
  const inside = join(stateRoot, 'postgres');
  if (account === undefined) return layOut(inside, () => stateRoot, account);
  if (mayEnter(account, stateRoot)) return layOut(inside, sharedParent, account);
  const parent = sharedParent();
  return layOut(join(parent, keyOf(stateRoot)), () => parent, account);
}

/** The paths of a PostgreSQL that its own user runs in this state directory; nothing is made. */
export function locatePostgres(stateRoot: string): PostgresLocation {
  return pathsOf(join(stateRoot, 'postgres'), () => stateRoot);
}

/** A configuration file of the PostgreSQL of this state directory, wherever it is; undefined when there is none. Nothing is made. */
export function findPostgresFile(stateRoot: string, name: string): string | undefined {
  const roots = [join(stateRoot, 'postgres'), ...sharedParents().map((parent) => join(parent, keyOf(stateRoot)))];
  return roots.map((root) => join(root, 'conf', name)).find((path) => existsSync(path));
}

/** Removes everything of a PostgreSQL that does not run, wherever it is. */
export function removePostgresLocation(stateRoot: string): void {
  rmSync(join(stateRoot, 'postgres'), { recursive: true, force: true });
  if (process.geteuid?.() !== 0) return;
  for (const parent of sharedParents()) rmSync(join(parent, keyOf(stateRoot)), { recursive: true, force: true });
}

function layOut(root: string, programs: () => string, account: PostgresAccount | undefined): PostgresLocation {
  const location = pathsOf(root, programs);
  const ours = account === undefined ? 0o700 : 0o750;
  for (const directory of [root, location.conf, location.tls]) {
    makeOwnDirectory(directory, ours);
    if (account !== undefined) chownSync(directory, 0, account.gid);
  }
  makeAccountDirectory(location.log, account);
  return location;
}

function pathsOf(root: string, programs: () => string): PostgresLocation {
  return {
    root,
    programs,
    conf: join(root, 'conf'),
    tls: join(root, 'tls'),
    data: join(root, 'data'),
    log: join(root, 'log'),
  };
}

/** A folder for PostgreSQL to write to. Its parent is ours alone, so nobody can have put a link in its place. */
export function makeAccountDirectory(path: string, account: PostgresAccount | undefined): void {
  if (!existsSync(path)) mkdirSync(path, { mode: 0o700 });
  if (account !== undefined) chownSync(path, account.uid, account.gid);
  chmodSync(path, 0o700);
}

function keyOf(stateRoot: string): string {
  return createHash('sha256').update(stateRoot).digest('hex').slice(0, 16);
}

function sharedParents(): string[] {
  return ['/var/lib', '/var/tmp'].filter((parent) => existsSync(parent)).map((parent) => join(parent, 'countersign'));
}

/** Root's own folder that others may go through: `/var/lib` is only root's to write to; `/var/tmp` is everyone's, so what is found there is checked. */
function sharedParent(): string {
  const problems: string[] = [];
  for (const parent of sharedParents()) {
    try {
      makeOwnDirectory(parent, 0o755);
      if ((lstatSync(parent).mode & 0o022) === 0) return parent;
    } catch (error) {
      problems.push(messageOf(error));
    }
  }
  throw new LocalStackError(
    'STATE_DIRECTORY',
    `no folder that PostgreSQL's account can reach: ${problems.join('; ')}. Run npm start as an ordinary user, or from a folder that others may enter`,
  );
}
