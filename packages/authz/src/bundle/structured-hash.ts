/**
 * The hash that OPA's signatures have for JSON files: of the document, not of its bytes, so that another order of keys or
 * other white space is the same file. Keys are sorted by code point, numbers are taken as they are written, and texts are
 * escaped as Go does without HTML escapes.
 */
import { createHash } from 'node:crypto';

/** What `.signatures.json` may name. Weaker ones of OPA's (MD5, SHA-1, SHA-224) are not taken. */
export const HASHES: ReadonlyMap<unknown, 'sha256' | 'sha384' | 'sha512'> = new Map([
  ['SHA-256', 'sha256'],
  ['SHA-384', 'sha384'],
  ['SHA-512', 'sha512'],
] as const);

/**
 * Hash of a JSON text, in hex.
 * @throws {SyntaxError} when it is no JSON.
 */
export function structuredHash(text: string, algorithm: string): string {
  return createHash(algorithm).update(canonicalJson(text)).digest('hex');
}

/** The text that is hashed. */
export function canonicalJson(text: string): string {
  JSON.parse(text);
  return write(JSON.parse(tagged(text)));
}

/**
 * The same document with all numbers as texts, because a parsed number no longer says how it was written: `n` goes before
 * a number and `s` before a text. All keys get the same letter, so their order stays.
 */
function tagged(text: string): string {
  return text.replace(/"((?:[^"\\]|\\.)*)"|-?\d[\d.eE+-]*/g, (token, content?: string) =>
    content === undefined ? `"n${token}"` : `"s${content}"`,
  );
}

function write(value: unknown): string {
  if (typeof value === 'string') return value.startsWith('n') ? value.slice(1) : writeText(value.slice(1));
  if (Array.isArray(value)) return `[${value.map(write).join(',')}]`;
  if (typeof value !== 'object' || value === null) return String(value);
  const members = Object.entries(value).sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return `{${members.map(([key, member]) => `${writeText(key.slice(1))}:${write(member)}`).join(',')}}`;
}

/** Go escapes U+2028 and U+2029, and reads half of a surrogate pair as U+FFFD. */
function writeText(text: string): string {
  return JSON.stringify(text.toWellFormed()).replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029');
}
