/**
 * Files that hold a key: readable by their owner alone, and replaced as a whole, because a key and what belongs to it
 * written apart could be torn apart by a crash.
 */
import { chmod, mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DevTrustDomainError } from './errors.ts';

/** The text of a file, `undefined` where there is none. @throws {DevTrustDomainError} `CA_STORE` */
export async function readPrivateFile(file: string): Promise<string | undefined> {
  try {
    // A file that came out of a backup or a copy may have lost its mode.
    if (((await stat(file)).mode & 0o077) !== 0) await chmod(file, 0o600);
    return await readFile(file, 'utf8');
  } catch (cause) {
    if (isMissing(cause)) return undefined;
    throw new DevTrustDomainError('CA_STORE', `ca store: can't read ${file}; delete it to begin with a new CA`, cause);
  }
}

/** Writes a file with mode 0600 into a directory with mode 0700. @throws {DevTrustDomainError} `CA_STORE` */
export async function writePrivateFile(file: string, text: string): Promise<void> {
  const next = `${file}.${process.pid}.tmp`;
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await writeFile(next, text, { mode: 0o600 });
    await rename(next, file);
  } catch (cause) {
    throw new DevTrustDomainError('CA_STORE', `ca store: can't write ${file}`, cause);
  }
}

function isMissing(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
}
