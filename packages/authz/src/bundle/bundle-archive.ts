/**
 * The archive that an OPA bundle is: a gzipped tar of a few files. Read in memory and within bounds; nothing is ever
 * written to disk, so a name in it is only a key.
 */
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { quote } from '@countersign/spiffe-tls';
import { extract, type Header } from 'tar-stream';
import { AuthzError, invalidBundle } from '../errors.ts';

/** How much of an archive is read at most. */
export interface ArchiveLimits {
  /** Compressed bytes. Default 16 MiB. */
  readonly maxBytes?: number;
  /** Bytes after decompression, all entries and their headers. Default 128 MiB, some 100 000 grants and to spare. */
  readonly maxInflatedBytes?: number;
  /** Default 256. */
  readonly maxEntries?: number;
}

const MIB = 1024 * 1024;
const inflate = promisify(gunzip);

/**
 * Reads all files of a gzipped tar. Names are given without a leading `/`, as `data.json`.
 * @throws {AuthzError} `BUNDLE_INVALID` when it is too large, cut, no gzip, no tar, holds a file twice, or anything but
 * files and folders.
 */
export async function readArchive(bytes: Uint8Array, limits: ArchiveLimits = {}): Promise<Map<string, Uint8Array>> {
  const { maxBytes = 16 * MIB, maxInflatedBytes = 128 * MIB, maxEntries = 256 } = limits;
  if (bytes.byteLength > maxBytes) throw invalidBundle(`may have at most ${maxBytes} bytes, got ${bytes.byteLength}`);
  let tar: Uint8Array;
  try {
    tar = await inflate(bytes, { maxOutputLength: maxInflatedBytes });
  } catch (cause) {
    throw invalidBundle(`must be a whole gzip file of at most ${maxInflatedBytes} bytes when inflated`, cause);
  }
  return readTar(tar, maxEntries);
}

async function readTar(tar: Uint8Array, maxEntries: number): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  const reader = extract();
  reader.end(tar);
  let entries = 0;
  try {
    for await (const entry of reader) {
      entries += 1;
      if (entries > maxEntries) throw invalidBundle(`may have at most ${maxEntries} entries`);
      const chunks: Uint8Array[] = [];
      for await (const chunk of entry) if (chunk instanceof Uint8Array) chunks.push(chunk);
      keep(files, entry.header, Buffer.concat(chunks));
    }
  } catch (cause) {
    throw cause instanceof AuthzError ? cause : invalidBundle('must hold a whole tar archive', cause);
  }
  return files;
}

function keep(files: Map<string, Uint8Array>, header: Header, content: Uint8Array): void {
  const name = header.name.replace(/^\.?\/+/, '');
  if (header.type === 'directory') return;
  if (header.type !== 'file' && header.type !== 'contiguous-file')
    throw invalidBundle(`may hold files and folders only, got a ${header.type} named ${quote(name)}`);
  // Readers differ in which of two they take, so what was reviewed need not be what runs.
  if (files.has(name)) throw invalidBundle(`must hold each file once, got two of ${quote(name)}`);
  files.set(name, content);
}
