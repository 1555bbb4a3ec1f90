/**
 * The servers' records, found by what both ends know: the port of a connection, or the trace of a request.
 */
import type { LogRecord } from '@countersign/local-stack';
import type { ExpectedRecord, Seen } from './outcome.ts';

/** The records of all programs. */
export interface Records {
  add(program: string, record: LogRecord): void;
  /**
   * The record of an attempt, come or to come within the time given; `undefined` when there is none.
   * @param since by `performance.now()`: what came before is of an earlier attempt, from a port that is used again
   */
  find(expected: ExpectedRecord, seen: Seen, since: number, timeoutMs: number): Promise<LogRecord | undefined>;
}

interface Kept {
  readonly record: LogRecord;
  readonly at: number;
}

/** Starts with none. */
export function createRecords(): Records {
  const byKey = new Map<string, Kept>();
  const waiters = new Map<string, (record: LogRecord) => void>();
  return {
    add(program, record) {
      for (const key of keysOf(program, record)) {
        byKey.set(key, { record, at: performance.now() });
        waiters.get(key)?.(record);
      }
    },
    find(expected, seen, since, timeoutMs) {
      const key = keyOf(expected, seen);
      if (key === undefined) return Promise.resolve(undefined);
      const found = byKey.get(key);
      byKey.delete(key);
      if (found !== undefined && found.at >= since) return Promise.resolve(found.record);
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

/** One port may be the near end of two connections at a time, to two listeners of one program: their transport differs. */
function keyOf({ program, event, fields }: ExpectedRecord, { port, traceId }: Seen): string | undefined {
  const which = OF_CONNECTIONS.has(event) ? port : traceId;
  return which === undefined ? undefined : nameOf(program, event, which, fields['transport']);
}

function keysOf(program: string, record: LogRecord): string[] {
  const { event, remote, transport, trace_id: traceId } = record;
  if (typeof event !== 'string') return [];
  const port = typeof remote === 'object' && remote !== null && 'port' in remote ? remote.port : undefined;
  const which = OF_CONNECTIONS.has(event) ? port : traceId;
  return which === undefined ? [] : [nameOf(program, event, which, transport)];
}

function nameOf(program: string, event: string, which: unknown, transport: unknown): string {
  // PostgreSQL has one listener, and requests are told apart by their trace.
  const listener = event === 'refused' || event === 'verified' ? `${transport} ` : '';
  return `${program} ${event} ${listener}${which}`;
}
