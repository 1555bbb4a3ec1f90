/**
 * Reads several files as one state. Where the producer swaps a `..data` symbolic link (Kubernetes' atomic writer), the
 * link is resolved once and everything is read through what it pointed to, so the files are of one state for certain.
 */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { quote, SpiffeTlsError } from './errors.ts';

/** The longest file that is read: far more than any bundle needs. */
export const MAX_FILE_BYTES = 1024 * 1024;

/** What was read. */
export interface FileSet {
  /** One for each file asked for, in that order; `undefined` for one that does not exist. */
  readonly contents: readonly (Buffer | undefined)[];
  /** SHA-256 of all of it, permission bits included. */
  readonly hash: string;
  /** Whether all files are of one state for certain: each came through a `..data` link, and no link moved meanwhile. */
  readonly atomic: boolean;
  /** Permission bits, in the same order; 0 for a file that does not exist. */
  readonly modes: readonly number[];
}

/**
 * Reads `files`, whose names are relative to `directory` or absolute.
 * @throws {SpiffeTlsError} `FILE_UNREADABLE` for one that is there and can't be read; its `cause` has the system's code.
 */
export async function readFileSet(directory: string, files: readonly string[]): Promise<FileSet> {
  const paths = files.map((file) => resolve(directory, file));
  const before = await resolveData(paths);
  const read = [];
  for (const path of paths) read.push(await readOne(path, before.get(dirname(path))));
  const after = await resolveData(paths);
  const hash = createHash('sha256');
  for (const { content, mode } of read) hash.update(`${mode}:${content?.length}:`).update(content ?? '');
  return {
    contents: read.map(({ content }) => content),
    modes: read.map(({ mode }) => mode),
    hash: hash.digest('hex'),
    // One directory is read through one path. Over several, each is whole by itself; that all stood still is enough.
    atomic: [...before].every(([parent, real]) => real !== undefined && after.get(parent) === real),
  };
}

/** Where the `..data` link of each file's directory leads now; `undefined` where there is none. */
async function resolveData(paths: readonly string[]): Promise<Map<string, string | undefined>> {
  const links = new Map<string, string | undefined>();
  for (const parent of new Set(paths.map((path) => dirname(path)))) links.set(parent, await realData(parent));
  return links;
}

async function realData(parent: string): Promise<string | undefined> {
  const link = join(parent, '..data');
  try {
    return await realpath(link);
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return undefined;
    throw unreadable(link, cause);
  }
}

async function readOne(
  path: string,
  real: string | undefined,
): Promise<{ readonly content: Buffer | undefined; readonly mode: number }> {
  const target = real === undefined ? path : join(real, basename(path));
  let handle: FileHandle | undefined;
  try {
    // Not blocking, or a named pipe in the file's place would hold the reader for ever.
    handle = await open(target, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const { size, mode } = await checkFile(handle);
    return { content: await readUpTo(handle, size), mode };
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return { content: undefined, mode: 0 };
    throw unreadable(path, cause);
  } finally {
    await handle?.close();
  }
}

async function checkFile(handle: FileHandle): Promise<{ size: number; mode: number }> {
  const stat = await handle.stat();
  if (!stat.isFile()) throw new Error('not a regular file');
  if (stat.size > MAX_FILE_BYTES) throw new Error(`longer than ${MAX_FILE_BYTES} bytes`);
  return { size: stat.size, mode: stat.mode & 0o777 };
}

/** A file that grows while it is read is torn: its longer version is read next time. */
async function readUpTo(handle: FileHandle, size: number): Promise<Buffer> {
  const buffer = Buffer.alloc(size);
  let length = 0;
  while (length < size) {
    const { bytesRead } = await handle.read(buffer, length, size - length, length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return buffer.subarray(0, length);
}

/** The error of a file that can't be read. */
export function unreadable(path: string, cause: unknown): SpiffeTlsError {
  const got = codeOf(cause) ?? (cause instanceof Error ? cause.message : String(cause));
  const expected = `${quote(path)} must be a readable file`;
  return new SpiffeTlsError('FILE_UNREADABLE', `x509 files: ${expected}, got ${got}`, { expected, got, cause });
}

function codeOf(cause: unknown): string | undefined {
  return cause instanceof Error && 'code' in cause ? String(cause.code) : undefined;
}
