/**
 * Manifests are JSON: read by path, never cast. What is not there reads as nothing, so that a lint says what it misses
 * instead of failing on it.
 */

/** What YAML and JSON can say. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;

/** A mapping. */
export interface JsonObject {
  readonly [key: string]: Json;
}

/** @throws {TypeError} for what JSON has no word for, such as a date */
export function asJson(value: unknown): Json {
  if (value === null || typeof value === 'boolean' || typeof value === 'number' || typeof value === 'string')
    return value;
  if (Array.isArray(value)) return value.map(asJson);
  if (typeof value === 'object')
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, asJson(one)]));
  throw new TypeError(`manifests: ${typeof value} is no JSON`);
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !isList(value);
}

export function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

/** What stands at a path; a number is an index of a list. */
export function at(value: Json | undefined, ...path: readonly (string | number)[]): Json | undefined {
  let found = value;
  for (const step of path) {
    if (isList(found) && typeof step === 'number') found = found[step];
    else if (isObject(found) && Object.hasOwn(found, step)) found = found[step];
    else return undefined;
  }
  return found;
}

export function textAt(value: Json | undefined, ...path: readonly (string | number)[]): string | undefined {
  const found = at(value, ...path);
  return typeof found === 'string' ? found : undefined;
}

/** The list at a path, or an empty one. */
export function listAt(value: Json | undefined, ...path: readonly (string | number)[]): readonly Json[] {
  const found = at(value, ...path);
  return isList(found) ? found : [];
}

/** The mapping at a path, or an empty one. */
export function objectAt(value: Json | undefined, ...path: readonly (string | number)[]): JsonObject {
  const found = at(value, ...path);
  return isObject(found) ? found : {};
}

/** The texts of the mapping at a path; other values are left out. */
export function textsAt(value: Json | undefined, ...path: readonly string[]): Readonly<Record<string, string>> {
  const entries = Object.entries(objectAt(value, ...path));
  return Object.fromEntries(entries.flatMap(([key, one]) => (typeof one === 'string' ? [[key, one]] : [])));
}

/** The list at a path, its texts alone. */
export function textListAt(value: Json | undefined, ...path: readonly string[]): readonly string[] {
  return listAt(value, ...path).flatMap((one) => (typeof one === 'string' ? [one] : []));
}

/** A copy with another value at a path, or without it; mappings on the way are made. */
export function withValue(value: Json | undefined, path: readonly (string | number)[], to: Json | undefined): Json {
  const [step, ...rest] = path;
  if (step === undefined) return to ?? null;
  if (typeof step === 'number') {
    const list = isList(value) ? value : [];
    const changed = rest.length === 0 && to === undefined ? [] : [withValue(list[step], rest, to)];
    return [...list.slice(0, step), ...changed, ...list.slice(step + 1)];
  }
  const { [step]: old, ...others } = isObject(value) ? value : {};
  return rest.length === 0 && to === undefined ? others : { ...others, [step]: withValue(old, rest, to) };
}
