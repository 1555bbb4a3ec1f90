/**
 * A folder of JSON files that stands in for a bundle's data while one develops. Editors replace files and write them in
 * pieces, so what is there counts when two looks in a row found the same; and it is looked at from time to time, because
 * events of the file system do not cross every mount.
 */
import { createHash } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, createSystemClock, quote } from '@countersign/spiffe-tls';
import { AuthzError } from '../errors.ts';
import { parseJsonFile } from './data.ts';
import type { DataFiles } from './policy-bundle.ts';
import { canonicalJson } from './structured-hash.ts';

/** A folder of data. */
export interface DataFolderOptions {
  readonly path: string;
  /** Time between two looks. Default 500; 0: only when it is read. */
  readonly intervalMs?: number;
  /** How long what was found must stand still. Default 50. */
  readonly stillMs?: number;
  /** Bytes of all files at most. */
  readonly maxBytes: number;
  /** Time, for tests. Default: the system's. */
  readonly clock?: Clock;
}

/** A folder that is followed. */
export interface DataFolder {
  readonly name: string;
  /** What is there now. @throws {AuthzError} `DATA_INVALID`. */
  read(): Promise<DataFiles>;
  /** Calls `look` when something else is there than at the last {@link read}, once it stands still. Called once. */
  follow(look: () => Promise<unknown>): void;
  close(): void;
}

const MAX_FILES = 256;
const MAX_DEPTH = 16;

/** Makes the folder. Files whose name begins with a dot are an editor's, and are passed over. */
export function createDataFolder(options: DataFolderOptions): DataFolder {
  const { path, intervalMs = 500, stillMs = 50, clock = createSystemClock({ unref: true }) } = options;
  let closed = false;
  let seen = '';
  let cancel = (): void => {};

  function schedule(delayMs: number, candidate: string | undefined, look: () => Promise<unknown>): void {
    if (!closed) cancel = clock.schedule(delayMs, () => void check(candidate, look));
  }

  async function check(candidate: string | undefined, look: () => Promise<unknown>): Promise<void> {
    const now = await fingerprint(path);
    if (now === seen) return schedule(intervalMs, undefined, look);
    if (now !== candidate) return schedule(stillMs, now, look);
    await look();
    schedule(intervalMs, undefined, look);
  }

  return {
    name: path,
    async read() {
      // Before the contents: what changes meanwhile is another state, and found by the next look.
      seen = await fingerprint(path);
      return readFolder(path, options.maxBytes);
    },
    follow(look) {
      if (intervalMs > 0) schedule(intervalMs, undefined, look);
    },
    close() {
      closed = true;
      cancel();
    },
  };
}

async function readFolder(folder: string, maxBytes: number): Promise<DataFiles> {
  try {
    const names = await listFiles(folder);
    const files = new Map<string, unknown>();
    const hash = createHash('sha256');
    let bytes = 0;
    for (const name of names) {
      bytes += Number((await stat(join(folder, name))).size);
      if (bytes > maxBytes) throw new Error(`all files may have at most ${maxBytes} bytes`);
      const content = await readFile(join(folder, name));
      files.set(name, parseJsonFile(name, content));
      hash.update(`${name}\0${canonicalJson(content.toString('utf8'))}\0`);
    }
    if (files.size === 0) throw new Error('it must hold a .json file');
    return { files, bytes, hash: hash.digest('hex') };
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new AuthzError('DATA_INVALID', `policy data: ${quote(folder)}: ${why}`, { cause });
  }
}

/** Names of the JSON files, sorted. YAML would be passed over in silence, so it is refused. */
async function listFiles(folder: string, below = '', depth = 0): Promise<string[]> {
  if (depth > MAX_DEPTH) throw new Error(`folders may lie at most ${MAX_DEPTH} deep`);
  const found: string[] = [];
  for (const entry of await readdir(join(folder, below), { withFileTypes: true })) {
    if (entry.name.startsWith('.')) continue;
    const name = below === '' ? entry.name : `${below}/${entry.name}`;
    if (/\.ya?ml$/i.test(entry.name)) throw new Error(`data must be JSON, got ${quote(name)}`);
    if (entry.isDirectory()) found.push(...(await listFiles(folder, name, depth + 1)));
    else if (entry.name.endsWith('.json')) found.push(name);
    if (found.length > MAX_FILES) throw new Error(`it may hold at most ${MAX_FILES} files`);
  }
  return found.sort();
}

/** What changes whenever a file does: name, inode, size and times. A folder that can't be read is a state, too. */
async function fingerprint(folder: string): Promise<string> {
  try {
    const names = await listFiles(folder);
    const stats = await Promise.all(names.map((name) => stat(join(folder, name), { bigint: true })));
    return names.map((name, index) => `${name}:${describe(stats[index])}`).join('\n');
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function describe(stats: BigIntStats | undefined): string {
  return stats === undefined ? '' : `${stats.dev}:${stats.ino}:${stats.size}:${stats.mtimeNs}:${stats.ctimeNs}`;
}
