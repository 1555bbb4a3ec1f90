/**
 * Starts a part again that the system can do without: a few times, each after a longer wait, and then no more. Whatever it
 * says is a record of that part, so that it stands in the terminal and in the log watch like everything else.
 */
import type { LocalStackError } from './errors.ts';
import type { LogRecord } from './part.ts';

/** What a reviver works with. */
export interface ReviverOptions {
  readonly name: string;
  relaunch(): void;
  onRecord(record: LogRecord): void;
  /** Waits before each attempt; as many as there are, so often is it tried. Default: 1 s, 5 s, 15 s. */
  readonly waitsMs?: readonly number[];
}

/** Looks after one part. */
export interface Reviver {
  /** The part ended on its own. */
  lost(error: LocalStackError): void;
  /** Nothing is started any more. */
  stop(): void;
}

const WAITS_MS = [1_000, 5_000, 15_000];

/** Makes one. */
export function createReviver({ name, relaunch, onRecord, waitsMs = WAITS_MS }: ReviverOptions): Reviver {
  let attempts = 0;
  let timer: NodeJS.Timeout | undefined;
  const say = (level: 'warn' | 'error', message: string) =>
    onRecord({ level, time: new Date().toISOString(), service: name, event: 'ended', message });
  return {
    lost(error) {
      const waitMs = waitsMs[attempts];
      attempts += 1;
      if (waitMs === undefined) {
        say('error', `${error.message}\n${name} is not started again; everything else goes on`);
        return;
      }
      say('warn', `${error.message}\neverything else goes on; ${name} is started again in ${waitMs / 1_000} s`);
      timer = setTimeout(relaunch, waitMs).unref();
    },
    stop: () => clearTimeout(timer),
  };
}
