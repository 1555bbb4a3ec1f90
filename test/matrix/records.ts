/**
 * The servers' records, found by what both ends know: the port of a connection, or the trace of a request.
 */
import type { LogRecord } from '@countersign/local-stack';
import type { ExpectedRecord, LogProgram, Seen } from './outcome.ts';

/** The records of all programs. */
export interface Records {
  add(program: string, record: LogRecord): void;
  /** The record of an attempt, come or to come within the time given; `undefined` when there is none. */
  find(expected: ExpectedRecord, seen: Seen, timeoutMs: number): Promise<LogRecord | undefined>;
}

/** Starts with none. */
export function createRecords(): Records {
  const byKey = new Map<string, LogRecord>();
  const waiters = new Map<string, (record: LogRecord) => void>();
  return {
    add(program, record) {
      for (const key of keysOf(program, record)) {
        byKey.set(key, record);
        waiters.get(key)?.(record);
      }
    },
    find({ program, event }, seen, timeoutMs) {
      const key = keyOf(program, event, seen);
      if (key === undefined) return Promise.resolve(undefined);
      const found = byKey.get(key);
      if (found !== undefined) {
        // A port may be used again.
        byKey.delete(key);
        return Promise.resolve(found);
      }
      return new Promise((resolve) => {
        const settle = (record: LogRecord | undefined) => {
          clearTimeout(timer);
          waiters.delete(key);
          byKey.delete(key);
          resolve(record);
        };
        const timer = setTimeout(settle, timeoutMs, undefined);
        waiters.set(key, settle);
      });
    },
  };
}

const OF_CONNECTIONS: ReadonlySet<string> = new Set(['refused', 'verified', 'authenticated']);

function keyOf(program: LogProgram, event: string, { port, traceId }: Seen): string | undefined {
  const which = OF_CONNECTIONS.has(event) ? port : traceId;
  return which === undefined ? undefined : `${program} ${event} ${which}`;
}

function keysOf(program: string, record: LogRecord): string[] {
  const { event, remote, trace_id: traceId } = record;
  if (typeof event !== 'string') return [];
  const port = typeof remote === 'object' && remote !== null && 'port' in remote ? remote.port : undefined;
  const which = OF_CONNECTIONS.has(event) ? port : traceId;
  return which === undefined ? [] : [`${program} ${event} ${String(which)}`];
}
