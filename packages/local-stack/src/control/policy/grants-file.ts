/**
 * The file with the grants: read with its revision, and replaced whole, so that who follows it never sees half of it.
 */
import { createHash, randomUUID } from 'node:crypto';
import { open, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** The file as it is. */
export interface GrantsText {
  readonly text: string;
  /** SHA-256 of the text, hexadecimal. */
  readonly revision: string;
}

/** Reads the file. */
export async function readGrants(path: string): Promise<GrantsText> {
  const text = await readFile(path, 'utf8');
  return { text, revision: revisionOf(text) };
}

/** SHA-256 of a text, hexadecimal. */
export function revisionOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Replaces the file by a rename in its own folder. Owner and mode stay: on SPIRE the services read it as other users. */
export async function replaceGrants(path: string, text: string): Promise<void> {
  const target = await realpath(path);
  const { uid, gid, mode } = await stat(target);
  // Who follows the folder passes over names that begin with a dot.
  const fresh = join(dirname(target), `.${basename(target)}.${randomUUID()}`);
  try {
    await using handle = await open(fresh, 'wx', mode);
    await handle.writeFile(text);
    await handle.chmod(mode & 0o777);
    if (process.getuid?.() === 0) await handle.chown(uid, gid);
    await handle.sync();
    await rename(fresh, target);
  } catch (error) {
    await rm(fresh, { force: true });
    throw error;
  }
}
