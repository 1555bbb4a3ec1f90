/**
 * Where a running system keeps its state: sockets, logs, database. One private directory, `.countersign/` in the checkout
 * by default; sockets move to a short private directory when the checkout is too deep for them.
 */
import { createHash } from 'node:crypto';
import { chmodSync, lstatSync, mkdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { LocalStackError, messageOf, systemErrorCode } from './errors.ts';

/** The paths of one system's state; all exist and are private to this user. */
export interface StateDirectory {
  readonly root: string;
  /** `<root>/run`, or a short directory elsewhere: see {@link socketDirectory}. */
  readonly run: string;
  readonly logs: string;
  /** Key of the development CA, 0700. */
  readonly ca: string;
  /** Node's compile cache: makes a warm start quick. */
  readonly cache: string;
  /** Who runs where, for the programs that are started beside the system. */
  readonly systemFile: string;
}

/**
 * A socket's path must fit `sockaddr_un.sun_path` with its final zero: 108 bytes on Linux, 104 on macOS and the BSDs.
 * A longer one is not refused by every layer, some cut it.
 */
export const maxSocketPathBytes: number = process.platform === 'linux' ? 107 : 103;

/**
 * Makes the directories, or finds them as an earlier run left them.
 * @param root where the state lives; made if missing
 * @param socketNames the workloads' names: the longest decides whether socket paths fit
 * @throws {LocalStackError} `STATE_DIRECTORY` when it can't be written or belongs to someone else.
 */
export function openStateDirectory(root: string, socketNames: readonly string[]): StateDirectory {
  // The root itself may be passed through, never listed: PostgreSQL runs as another user when we are root. All that is
  // inside is 0700.
  const outer = isRoot() ? 0o711 : 0o700;
  makeOwnDirectory(root, outer);
  const real = realpathSync(root);
  const run = socketDirectory(real, socketNames);
  const state: StateDirectory = {
    root: real,
    run,
    logs: join(real, 'logs'),
    ca: join(real, 'ca'),
    cache: join(real, 'cache'),
    systemFile: join(real, 'system.json'),
  };
  if (run !== join(real, 'run')) makeOwnDirectory(dirname(run), outer);
  for (const directory of [state.logs, state.ca, state.cache, run]) makeOwnDirectory(directory, 0o700);
  return state;
}

/**
 * Where the sockets go: `<root>/run` if every path fits and needs no escaping in a `unix:` address, else a directory under
 * the system's temporary one whose name is derived from the root, so that a later run finds the same.
 */
export function socketDirectory(root: string, socketNames: readonly string[], temporary: string = tmpdir()): string {
  const inside = join(root, 'run');
  if (fits(inside, socketNames)) return inside;
  const key = createHash('sha256').update(root).digest('hex').slice(0, 16);
  const outside = [temporary, '/tmp'].map((base) =>
    join(realpathSync(base), `countersign-${userInfo().uid}-${key}`, 'run'),
  );
  const found = outside.find((directory) => fits(directory, socketNames));
  if (found === undefined)
    throw new LocalStackError(
      'STATE_DIRECTORY',
      `no folder for sockets is short enough: tried ${[inside, ...outside].join(', ')}; set TMPDIR to a shorter one`,
    );
  return found;
}

/** Removes a system's state, its sockets outside of it included. Only for a system that does not run. */
export function removeSocketsOutside(state: StateDirectory): void {
  if (state.run !== join(state.root, 'run')) rmSync(dirname(state.run), { recursive: true, force: true });
}

function fits(run: string, socketNames: readonly string[]): boolean {
  const paths = [...socketNames.map((name) => join(run, name, 'api.sock')), join(run, 'control', 'control.sock')];
  return /^[\w./-]+$/.test(run) && paths.every((path) => Buffer.byteLength(path) <= maxSocketPathBytes);
}

/**
 * Makes a directory that is this user's alone, and refuses one that is not: in a shared temporary directory somebody else
 * may have made it first, or put a symbolic link in its place.
 */
export function makeOwnDirectory(path: string, mode: number): void {
  try {
    mkdirSync(path, { recursive: true, mode });
    const found = lstatSync(path);
    if (!found.isDirectory())
      throw new LocalStackError('STATE_DIRECTORY', `${path} must be a folder, not a link or a file`);
    const uid = process.geteuid?.();
    if (uid !== undefined && found.uid !== uid) {
      throw new LocalStackError(
        'STATE_DIRECTORY',
        `${path} belongs to user ${found.uid}, not to ${uid} who runs this; remove it as its owner, or set COUNTERSIGN_STATE_DIR to another folder`,
      );
    }
    if ((found.mode & 0o777) !== mode) chmodSync(path, mode);
  } catch (error) {
    throw error instanceof LocalStackError ? error : notWritable(path, error);
  }
}

function notWritable(path: string, cause: unknown): LocalStackError {
  const readOnly = ['EACCES', 'EPERM', 'EROFS'].includes(systemErrorCode(cause) ?? '');
  const why = readOnly ? 'this folder is read-only for this user' : messageOf(cause);
  return new LocalStackError(
    'STATE_DIRECTORY',
    `can't make ${path}: ${why}; set COUNTERSIGN_STATE_DIR to a folder that can be written`,
    { cause },
  );
}

function isRoot(): boolean {
  return process.geteuid?.() === 0;
}
