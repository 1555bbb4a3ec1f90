/** A bundle in a file, looked at again when its modification time changes. */
import { unwatchFile, watchFile } from 'node:fs';
import { open } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { quote } from '@countersign/spiffe-tls';
import { AuthzError } from '../errors.ts';
import type { BundleSource } from './bundle-source.ts';

/**
 * Makes the source. Symbolic links are followed, so a mounted volume that swaps its folder is seen.
 * @param watchIntervalMs 0: never looks by itself
 * @throws {TypeError} when the interval is none
 */
export function createFileBundleSource(file: string | URL, watchIntervalMs: number, maxBytes: number): BundleSource {
  if (!Number.isInteger(watchIntervalMs) || watchIntervalMs < 0)
    throw new TypeError(`policy engine: watchIntervalMs must be an integer from 0, got ${watchIntervalMs}`);
  const path = file instanceof URL ? fileURLToPath(file) : file;
  let listener: (() => void) | undefined;
  return {
    name: path,
    async read() {
      const bytes = await readBounded(path, maxBytes);
      return { bytes, accepted() {} };
    },
    follow(look) {
      if (watchIntervalMs === 0) return;
      listener = () => void look(false);
      watchFile(path, { persistent: false, interval: watchIntervalMs }, listener);
    },
    close() {
      if (listener !== undefined) unwatchFile(path, listener);
    },
  };
}

/** Checks the size before it reads: a file that is too large never gets into memory. */
async function readBounded(path: string, maxBytes: number): Promise<Uint8Array> {
  try {
    await using handle = await open(path);
    const stat = await handle.stat();
    if (!stat.isFile()) throw new Error('it is no file');
    if (stat.size > maxBytes) throw new Error(`it may have at most ${maxBytes} bytes, got ${stat.size}`);
    return await handle.readFile();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new AuthzError('BUNDLE_SOURCE', `policy bundle: ${quote(path)} must be readable: ${why}`, { cause });
  }
}
