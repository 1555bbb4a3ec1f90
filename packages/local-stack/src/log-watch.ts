/**
 * The last records of every part, and a way to wait for one that has come or is to come.
 */
import { LocalStackError } from './errors.ts';
import type { LogRecord } from './part.ts';

/** Chooses a record. */
export type RecordPredicate = (record: LogRecord) => boolean;

/** Collects records of the parts. */
export interface LogWatch {
  add(part: string, record: LogRecord): void;
  /** @throws {LocalStackError} `PART_TIMEOUT` */
  waitFor(part: string, predicate: RecordPredicate, timeoutMs: number): Promise<LogRecord>;
  /** Those still kept that match, oldest first. */
  find(part: string, predicate: RecordPredicate): LogRecord[];
}

interface Waiter {
  readonly part: string;
  readonly predicate: RecordPredicate;
  resolve(record: LogRecord): void;
}

/** @param keep records kept for each part */
export function createLogWatch(keep = 2_000): LogWatch {
  const kept = new Map<string, LogRecord[]>();
  const waiters = new Set<Waiter>();
  const find = (part: string, predicate: RecordPredicate) => (kept.get(part) ?? []).filter(predicate);
  return {
    find,
    add(part, record) {
      const records = kept.get(part) ?? [];
      kept.set(part, records);
      records.push(record);
      if (records.length > keep) records.shift();
      for (const waiter of waiters) if (waiter.part === part && waiter.predicate(record)) waiter.resolve(record);
    },
    waitFor(part, predicate, timeoutMs) {
      const [seen] = find(part, predicate);
      if (seen !== undefined) return Promise.resolve(seen);
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          waiters.delete(waiter);
          reject(new LocalStackError('PART_TIMEOUT', `${part} wrote no such record within ${timeoutMs / 1000} s`));
        }, timeoutMs);
        const waiter: Waiter = {
          part,
          predicate,
          resolve(record) {
            clearTimeout(timer);
            waiters.delete(waiter);
            resolve(record);
          },
        };
        waiters.add(waiter);
      });
    },
  };
}
