/**
 * A bundle's `data`, put together from JSON files as OPA does: a file's folder is where its content goes, objects of two
 * files are merged, and two different owners of one value are refused.
 */
import { quote } from '@countersign/spiffe-tls';
import { invalidBundle } from '../errors.ts';

/** `data`, an object. */
export type PolicyData = Readonly<Record<string, unknown>>;

/**
 * Merges the contents of files, each at its folder's path.
 * @param files parsed contents by name, `grants/data.json`
 * @throws {AuthzError} `BUNDLE_INVALID` when a file at the top is no object, a folder's name is none, or two files give one
 * value.
 */
export function mergeData(files: ReadonlyMap<string, unknown>): PolicyData {
  let merged: PolicyData = {};
  for (const [name, content] of files) {
    const folders = name.split('/').slice(0, -1);
    if (folders.some((folder) => folder === '' || folder === '.' || folder === '..'))
      throw invalidBundle(`the folders of ${quote(name)} must be plain names`);
    const at = folders.reduceRight<unknown>((value, folder) => Object.fromEntries([[folder, value]]), content);
    if (!isRecord(at)) throw invalidBundle(`${name} must be an object`);
    merged = mergeObjects(merged, at, []);
  }
  return merged;
}

/** JSON in UTF-8, strictly: bytes that are no UTF-8 must not become look-alike names. */
export function parseJsonFile(name: string, bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw invalidBundle(`${name} must be JSON in UTF-8`, cause);
  }
}

/** `fromEntries` defines properties, so that a key like `__proto__` stays a key. */
function mergeObjects(a: PolicyData, b: PolicyData, path: readonly string[]): PolicyData {
  const merged = new Map<string, unknown>(Object.entries(a));
  for (const [key, value] of Object.entries(b)) {
    const present = merged.get(key);
    if (!merged.has(key)) merged.set(key, value);
    else if (isRecord(present) && isRecord(value)) merged.set(key, mergeObjects(present, value, [...path, key]));
    else throw invalidBundle(`data at ${quote(`/${[...path, key].join('/')}`)} must be given by one file`);
  }
  return Object.fromEntries(merged);
}

function isRecord(value: unknown): value is PolicyData {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
