/** Helm values of several files, put together as Helm does: mappings key by key, anything else by the later file. */
import { readFileSync } from 'node:fs';
import { isObject, type Json } from './json.ts';
import { parseYaml } from './objects.ts';

/** @throws {Error} for a file that is no mapping */
export function readValues(file: string): Json {
  const [values = {}, ...more] = parseYaml(readFileSync(file, 'utf8'), file);
  if (!isObject(values) || more.length > 0) throw new Error(`${file}: values are one mapping`);
  return values;
}

/** The later one counts; a null takes the key away. */
export function mergeValues(first: Json, second: Json): Json {
  if (!isObject(first) || !isObject(second)) return second;
  const keys = new Set([...Object.keys(first), ...Object.keys(second)]);
  const merged = [...keys].flatMap((key) => {
    const [old, fresh] = [first[key], second[key]];
    if (fresh === null) return [];
    const value = old === undefined || fresh === undefined ? (fresh ?? old) : mergeValues(old, fresh);
    return value === undefined ? [] : [[key, value] as const];
  });
  return Object.fromEntries(merged);
}
