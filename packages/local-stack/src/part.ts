/**
 * One process of the system: a program of ours in a child process, its log lines read as records. It dies with us by the
 * channel that `fork` opens, even if we are killed.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { LocalStackError } from './errors.ts';
import type { Account } from './identity-provider.ts';
import type { LogFile } from './log-file.ts';

/** A line of a part's log; anything that is no JSON object comes as `message` with level `info` or, on stderr, `error`. */
export type LogRecord = Readonly<Record<string, unknown>>;

/** How a program is started. */
export interface PartOptions {
  readonly name: string;
  /** Path of the program. */
  readonly program: string;
  /** Who it runs as; undefined: who runs us. */
  readonly account?: Account | undefined;
  readonly env: NodeJS.ProcessEnv;
  readonly logFile: LogFile;
  onRecord(record: LogRecord): void;
}

/** How a process ended. */
export interface PartExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A started part. */
export interface Part {
  readonly name: string;
  readonly pid: number | undefined;
  /** Resolves when the process has ended and its last line was read. */
  readonly exited: Promise<PartExit>;
  /**
   * The first record since the process started that has this event.
   * @throws {LocalStackError} `PART_FAILED` with its last lines when it ends before, `PART_TIMEOUT`.
   */
  event(name: string, timeoutMs: number): Promise<LogRecord>;
  kill(signal: NodeJS.Signals): void;
  /** SIGTERM, and SIGKILL if that is not enough within the time given. */
  stop(graceMs: number): Promise<void>;
  /** The last lines, for a message about its end. */
  lastLines(): string;
}

const keptLines = 12;

/** Starts a program. */
export function startPart(options: PartOptions): Part {
  // A group of its own: Ctrl-C in a terminal reaches us alone, and we stop the parts in the right order.
  const child = fork(options.program, {
    // Node drops root's other groups when it sets the user.
    ...(options.account === undefined ? {} : { uid: options.account.uid, gid: options.account.gid }),
    detached: true,
    execPath: process.execPath,
    execArgv: [],
    env: options.env,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    serialization: 'json',
  });
  const waiters = new Set<Waiter>();
  const events = new Map<string, LogRecord>();
  const last: string[] = [];
  const take = (line: string, record: LogRecord) => {
    options.logFile.write(line);
    last.push(readable(record));
    if (last.length > keptLines) last.shift();
    const event = record['event'];
    if (typeof event === 'string' && !events.has(event)) events.set(event, record);
    for (const waiter of waiters) waiter.onRecord(record);
    options.onRecord(record);
  };
  const read = [readLines(child.stdout, 'info', take), readLines(child.stderr, 'error', take)];
  const exited = exitOf(child, read);
  const lastLines = () => last.map((line) => `    ${line}`).join('\n');
  void exited.then((exit) => {
    for (const waiter of waiters) waiter.onExit(ended(options.name, exit, lastLines()));
  });
  return {
    name: options.name,
    pid: child.pid,
    exited,
    lastLines,
    kill: (signal) => void child.kill(signal),
    stop: (graceMs) => stop(child, exited, graceMs),
    async event(name, timeoutMs) {
      const seen = events.get(name);
      if (seen !== undefined) return seen;
      if (hasEnded(child)) throw ended(options.name, await exited, lastLines());
      return await waitFor({ name, timeoutMs, part: options.name }, waiters, lastLines);
    },
  };
}

interface Waiter {
  onRecord(record: LogRecord): void;
  onExit(error: LocalStackError): void;
}

interface Wait {
  readonly name: string;
  readonly timeoutMs: number;
  readonly part: string;
}

function waitFor(wait: Wait, waiters: Set<Waiter>, lastLines: () => string): Promise<LogRecord> {
  return new Promise((resolve, reject) => {
    const settle = (then: () => void) => {
      clearTimeout(timer);
      waiters.delete(waiter);
      then();
    };
    const timer = setTimeout(() => {
      const what = `${wait.part} did not become ${JSON.stringify(wait.name)} within ${wait.timeoutMs / 1000} s`;
      settle(() => reject(new LocalStackError('PART_TIMEOUT', `${what}; its last lines:\n${lastLines()}`)));
    }, wait.timeoutMs);
    const waiter: Waiter = {
      onRecord: (record) => {
        if (record['event'] === wait.name) settle(() => resolve(record));
      },
      onExit: (error) => settle(() => reject(error)),
    };
    waiters.add(waiter);
  });
}

/** What to say about a part that ended when it should not have. */
export function ended(name: string, { code, signal }: PartExit, lastLines: string): LocalStackError {
  const how = signal === null ? `exit code ${code}` : signal;
  const lines = lastLines === '' ? 'it said nothing' : `its last lines:\n${lastLines}`;
  return new LocalStackError('PART_FAILED', `${name} ended on its own (${how}); ${lines}`);
}

/** A record as one readable line. */
export function readable(record: LogRecord): string {
  const { event, message, msg, code } = record;
  const text = [event, code, message ?? msg].filter((part) => typeof part === 'string' && part !== '');
  return text.length > 0 ? text.join(' ') : JSON.stringify(record);
}

function readLines(
  stream: Readable | null,
  level: string,
  take: (line: string, record: LogRecord) => void,
): Promise<void> {
  if (stream === null) return Promise.resolve();
  return new Promise((resolve) => {
    const lines = createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY });
    lines.on('line', (line) => {
      if (line === '') return;
      const record = parseRecord(line);
      if (record !== undefined) take(line, record);
      else {
        const wrapped = { level, time: new Date().toISOString(), event: 'output', message: line };
        take(JSON.stringify(wrapped), wrapped);
      }
    });
    lines.on('close', resolve);
  });
}

function parseRecord(line: string): LogRecord | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value))
      : undefined;
  } catch {
    return undefined;
  }
}

function exitOf(child: ChildProcess, read: readonly Promise<void>[]): Promise<PartExit> {
  const exit = new Promise<PartExit>((resolve) => {
    child.once('error', () => resolve({ code: child.exitCode, signal: child.signalCode }));
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
  return exit.then(async (how) => {
    await Promise.all(read);
    return how;
  });
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

async function stop(child: ChildProcess, exited: Promise<PartExit>, graceMs: number): Promise<void> {
  if (!hasEnded(child)) child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
  await exited;
  clearTimeout(timer);
}
