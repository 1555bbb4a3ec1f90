/** The latest of something, bounded by number and by bytes: the oldest is forgotten first. */
export interface History<V> {
  readonly size: number;
  readonly bytes: number;
  get(key: string): V | undefined;
  /** A key that is there already keeps its place. */
  put(key: string, value: V, bytes: number): void;
  delete(key: string): void;
  /** Oldest first. */
  values(): V[];
}

export interface HistoryOptions {
  readonly maxEntries: number;
  readonly maxBytes: number;
  /** Told of each key that was forgotten for want of room. */
  readonly onForget?: (key: string) => void;
}

export function createHistory<V>({ maxEntries, maxBytes, onForget }: HistoryOptions): History<V> {
  const entries = new Map<string, { readonly value: V; readonly bytes: number }>();
  let total = 0;

  function drop(key: string): void {
    total -= entries.get(key)?.bytes ?? 0;
    entries.delete(key);
  }

  return {
    get size() {
      return entries.size;
    },
    get bytes() {
      return total;
    },
    get: (key) => entries.get(key)?.value,
    put(key, value, bytes) {
      total += bytes - (entries.get(key)?.bytes ?? 0);
      entries.set(key, { value, bytes });
      for (const oldest of entries.keys()) {
        if (entries.size <= maxEntries && total <= maxBytes) break;
        drop(oldest);
        onForget?.(oldest);
      }
    },
    delete: drop,
    values: () => Array.from(entries.values(), ({ value }) => value),
  };
}
