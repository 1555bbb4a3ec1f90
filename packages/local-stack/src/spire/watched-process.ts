/**
 * A program of SPIRE, kept running: when it ends on its own it is started again, as systemd or a kubelet would do, unless
 * it does so too often.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { LocalStackError } from '../errors.ts';

/** Takes a record for the log. */
export type Log = (record: Record<string, unknown>) => void;

/** What a program is started with. */
export interface WatchedProcessOptions {
  /** For the log. */
  readonly name: 'spire-server' | 'spire-agent';
  readonly program: string;
  /** Asked at each start: a first start may need more than the others. */
  args(): readonly string[];
  /** Resolves when the program answers; asked after each start. */
  waitUntilReady(signal: AbortSignal): Promise<void>;
  /** Called with the process ID of each start. */
  onStart(pid: number): void;
  readonly log: Log;
}

/** A program that is kept running. */
export interface WatchedProcess {
  /** Resolves when it answers for the first time; rejects when it ends before. */
  readonly ready: Promise<void>;
  /** Rejects when it could not be kept running; never resolves. */
  readonly failed: Promise<never>;
  /** Ends it: SIGTERM, then SIGKILL. Idempotent. */
  stop(): Promise<void>;
}

/** Starts of one program before it is given up; a counter that a program which runs for a while gets back. */
const maxStarts = 5;
const steadyMs = 60_000;
const restartPauseMs = 200;
const stopWithinMs = 1_200;
const keptLines = 8;

/** Starts a program and keeps it running until it is stopped. */
export function startWatchedProcess(options: WatchedProcessOptions): WatchedProcess {
  const stopping = new AbortController();
  const ready = Promise.withResolvers<void>();
  let current: Run | undefined;
  const keepRunning = async (): Promise<void> => {
    for (let starts = 1; !stopping.signal.aborted; starts += 1) {
      const startedAt = Date.now();
      current = startRun(options);
      current.ready.then(ready.resolve, () => {});
      const how = await current.ended;
      if (stopping.signal.aborted) return;
      if (Date.now() - startedAt > steadyMs) starts = 0;
      const failure = new LocalStackError(
        'SPIRE_FAILED',
        `${options.name} ended on its own (${how}); ${current.said()}`,
      );
      if (!current.wasReady() || starts >= maxStarts) throw failure;
      options.log({
        event: 'spire-ended',
        level: 'warn',
        process: options.name,
        message: `ended (${how}), started again`,
      });
      await delay(restartPauseMs);
    }
  };
  const kept = keepRunning();
  kept.catch(ready.reject);
  const failed = kept.then(() => new Promise<never>(() => {}));
  // Whoever waits for one of them hears of it; nobody has to wait for both.
  ready.promise.catch(() => {});
  failed.catch(() => {});
  return {
    ready: ready.promise,
    failed,
    async stop() {
      stopping.abort();
      await current?.stop();
    },
  };
}

/** One run of a program. */
interface Run {
  readonly ready: Promise<void>;
  wasReady(): boolean;
  /** How it ended. */
  readonly ended: Promise<string>;
  said(): string;
  stop(): Promise<void>;
}

function startRun({ name, program, args, waitUntilReady, onStart, log }: WatchedProcessOptions): Run {
  const child = spawn(program, args(), {
    cwd: '/',
    env: { PATH: '/usr/local/bin:/usr/bin:/bin' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  if (child.pid !== undefined) onStart(child.pid);
  const over = new AbortController();
  const last: string[] = [];
  const take = (line: string) => {
    last.push(line);
    if (last.length > keptLines) last.shift();
    log({ event: 'spire', process: name, ...fromSpire(line) });
  };
  const read = [readLines(child.stdout, take), readLines(child.stderr, take)];
  const ended = exitOf(child).then(async (how) => {
    over.abort();
    await Promise.all(read);
    return how;
  });
  let answered = false;
  const ready = waitUntilReady(over.signal).then(() => {
    answered = true;
    log({ event: 'spire-ready', process: name, process_id: child.pid });
  });
  // A run that ends before it is ready is told by its end.
  ready.catch(() => {});
  return {
    ready,
    wasReady: () => answered,
    ended,
    said: () =>
      last.length === 0 ? 'it said nothing' : `its last lines:\n${last.map((line) => `    ${line}`).join('\n')}`,
    async stop() {
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), stopWithinMs);
      await ended;
      clearTimeout(timer);
    },
  };
}

/** SPIRE's own line. Its level is kept apart: what it calls an error (a process without an entry) is a warning of nobody's. */
function fromSpire(line: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value !== 'object' || value === null) return { message: line };
    const { msg, level, ...rest } = value as Record<string, unknown>;
    return { message: msg, spire_level: level, spire: rest };
  } catch {
    return { message: line };
  }
}

function readLines(stream: Readable, take: (line: string) => void): Promise<void> {
  return new Promise((resolve) => {
    const lines = createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY });
    lines.on('line', take);
    lines.on('close', resolve);
  });
}

function exitOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
}
