/**
 * Values by key, each with the revision of its last change: whoever was told everything up to a revision asks for what came
 * after it, however long ago that was. So there is no queue for each reader, and a slow one costs no memory.
 */
import { LIMITS } from './limits.ts';
import type { Revision } from './revision.ts';

export interface Tracked<V> {
  readonly size: number;
  get(key: string): V | undefined;
  set(key: string, value: V): void;
  delete(key: string): void;
  /** In the order in which their keys came. */
  values(): V[];
  changedSince(revision: number): V[];
  /** Keys that are gone; undefined when too many are to know them all. */
  goneSince(revision: number): readonly string[] | undefined;
}

interface Entry<V> {
  readonly value: V;
  readonly revision: number;
}

export function createTracked<V>(revision: Revision): Tracked<V> {
  const entries = new Map<string, Entry<V>>();
  const gone: { readonly key: string; readonly revision: number }[] = [];
  let forgottenUpTo = 0;
  return {
    get size() {
      return entries.size;
    },
    get: (key) => entries.get(key)?.value,
    set: (key, value) => void entries.set(key, { value, revision: revision.next() }),
    delete(key) {
      if (!entries.delete(key)) return;
      gone.push({ key, revision: revision.next() });
      if (gone.length > LIMITS.tombstones) forgottenUpTo = gone.shift()?.revision ?? forgottenUpTo;
    },
    values: () => Array.from(entries.values(), ({ value }) => value),
    changedSince: (since) => [...entries.values()].filter((entry) => entry.revision > since).map(({ value }) => value),
    goneSince(since) {
      if (since < forgottenUpTo) return undefined;
      const keys = gone.filter((each) => each.revision > since && !entries.has(each.key)).map(({ key }) => key);
      return [...new Set(keys)];
    },
  };
}
