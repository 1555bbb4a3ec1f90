/**
 * Makes ready the place where a server will put its Unix socket, and guards the socket once it is there. Whoever can
 * open a workload's socket gets that workload's keys, so the directory's mode is the access control.
 */
import { chmod, chown, lstat, mkdir, unlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { platform } from 'node:os';
import { dirname } from 'node:path';
import { DevTrustDomainError } from './errors.ts';
import type { SocketOwner } from './registration.ts';

/** `sun_path` less its final NUL. */
const MAX_PATH_BYTES = platform() === 'darwin' ? 103 : 107;

/**
 * Makes the directory (0700) and removes a socket that a killed process left behind.
 * @throws {DevTrustDomainError} `SOCKET` when the path is too long, when something that is not a socket is there, or when a
 * server still answers on it.
 */
export async function prepareSocketPath(path: string): Promise<void> {
  const bytes = Buffer.byteLength(path);
  if (bytes > MAX_PATH_BYTES) {
    throw new DevTrustDomainError(
      'SOCKET',
      `socket: path must have at most ${MAX_PATH_BYTES} bytes, got ${bytes}: ${path}; choose a shorter state directory`,
    );
  }
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  // mkdir leaves the mode of a directory that is already there.
  await chmod(dirname(path), 0o700);
  // Nor its owner: a user that an earlier run gave it to could put a socket of its own there.
  if (process.getuid?.() === 0) await chown(dirname(path), 0, 0);
  await removeStale(path);
}

/** Restricts a bound socket to its owner, and hands it to another user where that is asked for. */
export async function guardSocket(path: string, owner?: SocketOwner): Promise<void> {
  await chmod(path, 0o600);
  if (owner === undefined || owner.uid === process.getuid?.()) return;
  try {
    await chown(path, owner.uid, owner.gid);
    await chown(dirname(path), owner.uid, owner.gid);
    // The other user has to pass through the run directory to its own; it still can't list it.
    await chmod(dirname(dirname(path)), 0o711);
  } catch (cause) {
    throw new DevTrustDomainError('SOCKET', `socket: only root can give ${path} to user ${owner.uid}`, cause);
  }
}

async function removeStale(path: string): Promise<void> {
  const found = await lstat(path).catch((cause: unknown) => {
    if (isErrno(cause, 'ENOENT')) return undefined;
    throw new DevTrustDomainError('SOCKET', `socket: can't look at ${path}`, cause);
  });
  if (found === undefined) return;
  if (!found.isSocket())
    throw new DevTrustDomainError('SOCKET', `socket: ${path} is there and is not a socket; not removing it`);
  if (await isAnswered(path))
    throw new DevTrustDomainError('SOCKET', `socket: another server answers on ${path}; stop it first`);
  await unlink(path);
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const settle = (answered: boolean) => {
      socket.destroy();
      resolve(answered);
    };
    socket.once('connect', () => settle(true));
    // Only a refusal shows that nobody listens: any other failure may hide a live server.
    socket.once('error', (cause) => settle(!isErrno(cause, 'ECONNREFUSED') && !isErrno(cause, 'ENOENT')));
  });
}

function isErrno(cause: unknown, code: string): boolean {
  return cause instanceof Error && 'code' in cause && cause.code === code;
}
