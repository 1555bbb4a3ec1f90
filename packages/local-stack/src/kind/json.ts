/** Reads what kubectl and spire-server print as JSON: nothing is believed about its shape. */
import { LocalStackError, messageOf } from '../errors.ts';

/** A JSON object. */
export type JsonObject = Readonly<Record<string, unknown>>;

/**
 * Parses a document that must be an object.
 * @param source whose output it is, for the message
 * @throws {LocalStackError} `CLUSTER_FAILED`
 */
export function parseObject(text: string, source: string): JsonObject {
  try {
    const value: unknown = JSON.parse(text);
    if (isObject(value)) return value;
    throw new TypeError('it is no object');
  } catch (cause) {
    throw new LocalStackError('CLUSTER_FAILED', `${source} must print a JSON object: ${messageOf(cause)}`, { cause });
  }
}

/** Whether a value is an object with names, and no list. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What stands at the end of a path of names, or undefined. */
export function at(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>((inner, name) => (isObject(inner) ? inner[name] : undefined), value);
}

/** A text at the end of a path; empty when there is none. */
export function textAt(value: unknown, ...path: readonly string[]): string {
  const found = at(value, ...path);
  return typeof found === 'string' ? found : '';
}

/** The objects of a list at the end of a path. */
export function objectsAt(value: unknown, ...path: readonly string[]): JsonObject[] {
  const found = at(value, ...path);
  return Array.isArray(found) ? found.filter(isObject) : [];
}

/** The texts of a list at the end of a path. */
export function textsAt(value: unknown, ...path: readonly string[]): string[] {
  const found = at(value, ...path);
  return Array.isArray(found) ? found.filter((item) => typeof item === 'string') : [];
}
