/**
 * Starts parts, keeps their logs, notices when one ends that should not, and stops them in order.
 */
import { join } from 'node:path';
import { type PartName, programs } from './definitions.ts';
import { LocalStackError } from './errors.ts';
import { type LogFile, openLogFile } from './log-file.ts';
import { ended, type LogRecord, type Part, startPart } from './part.ts';

/** Any program of the system, the one-off included. */
export type ProgramName = PartName | 'db-migrate';

/** What a supervisor is made with. */
export interface SupervisorOptions {
  /** Folder of the log files. */
  readonly logs: string;
  /** Each record of each program, as it comes. */
  onRecord(program: ProgramName, record: LogRecord): void;
}

/** The programs of one system. */
export interface Supervisor {
  /** Starts a program with the environment that the function gives now, and again at each {@link Supervisor.restart}. */
  launch(name: ProgramName, env: () => NodeJS.ProcessEnv): Part;
  part(name: ProgramName): Part | undefined;
  logFile(name: ProgramName): string;
  /** Resolves when a part ended on its own. */
  readonly failed: Promise<LocalStackError>;
  /** The same as if a part had failed. */
  fail(error: LocalStackError): void;
  restart(name: PartName): Promise<Part>;
  kill(name: PartName, signal: NodeJS.Signals): Promise<void>;
  /** Idempotent. */
  stop(): Promise<void>;
  killAll(): void;
}

/** What a part has to end by itself when the system stops: at most 4.9 s in all, and well below one when nothing hangs. */
const stopGraceMs: Readonly<Record<ProgramName, number>> = {
  customer: 3_000,
  backend: 2_600,
  'db-client': 2_200,
  'db-migrate': 500,
  // Its sidecar has steps of its own: fast, immediate, kill.
  postgres: 1_600,
  'trust-domain': 300,
};
/** A service that still drains then does not keep the one behind it from draining too. */
const nextServiceMs = 400;
/** Signals that end no process. */
const harmless: ReadonlySet<NodeJS.Signals> = new Set([
  'SIGSTOP',
  'SIGCONT',
  'SIGHUP',
  'SIGUSR1',
  'SIGUSR2',
  'SIGWINCH',
]);

/** Makes a supervisor with nothing started. */
export function createSupervisor(options: SupervisorOptions): Supervisor {
  const parts = new Map<ProgramName, Part>();
  const environments = new Map<ProgramName, () => NodeJS.ProcessEnv>();
  const logFiles = new Map<ProgramName, LogFile>();
  /** Parts whose end is meant. */
  const ending = new Set<Part>();
  const failed = Promise.withResolvers<LocalStackError>();
  let stopping: Promise<void> | undefined;

  const logPath = (name: ProgramName) => join(options.logs, `${name}.log`);
  const logFileOf = (name: ProgramName): LogFile => {
    const file = logFiles.get(name) ?? openLogFile(logPath(name));
    logFiles.set(name, file);
    return file;
  };
  const launch = (name: ProgramName, env: () => NodeJS.ProcessEnv): Part => {
    // A start that is still under way when it is stopped must not leave anything behind.
    if (stopping !== undefined) throw new LocalStackError('PART_FAILED', `${name} is not started: the system stops`);
    environments.set(name, env);
    const part = startPart({
      name,
      program: programs[name],
      env: env(),
      logFile: logFileOf(name),
      onRecord: (record) => options.onRecord(name, record),
    });
    parts.set(name, part);
    void part.exited.then((exit) => {
      if (parts.get(name) === part) parts.delete(name);
      const finished = name === 'db-migrate' && exit.code === 0;
      if (!ending.delete(part) && !finished) failed.resolve(ended(name, exit, part.lastLines()));
    });
    return part;
  };
  const end = async (name: ProgramName): Promise<void> => {
    const part = parts.get(name);
    if (part === undefined) return;
    ending.add(part);
    await part.stop(stopGraceMs[name]);
  };
  const stop = async (): Promise<void> => {
    await stopInOrder(end);
    await Promise.all([...logFiles.values()].map((file) => file.close()));
  };
  return {
    launch,
    part: (name) => parts.get(name),
    logFile: logPath,
    failed: failed.promise,
    fail: failed.resolve,
    async restart(name) {
      const env = environments.get(name);
      if (env === undefined) throw new TypeError(`local-stack: ${name} was never started`);
      await end(name);
      return launch(name, env);
    },
    async kill(name, signal) {
      const part = parts.get(name);
      if (part === undefined) return;
      if (!harmless.has(signal)) ending.add(part);
      part.kill(signal);
      if (!harmless.has(signal)) await part.exited;
    },
    stop() {
      stopping ??= stop();
      return stopping;
    },
    killAll() {
      for (const part of parts.values()) {
        ending.add(part);
        // PostgreSQL's sidecar is left to stop its server at the closed channel: killed, it would leave the server behind.
        part.kill(part.name === 'postgres' ? 'SIGTERM' : 'SIGKILL');
      }
    },
  };
}

/** Front to back: PostgreSQL when no service is left that may use it, the trust domain when nobody needs a certificate. */
async function stopInOrder(end: (name: ProgramName) => Promise<void>): Promise<void> {
  const services: Promise<void>[] = [end('db-migrate')];
  for (const name of ['customer', 'backend', 'db-client'] as const) {
    const stopped = end(name);
    services.push(stopped);
    await Promise.race([stopped, waitUnref(nextServiceMs)]);
  }
  await Promise.all(services);
  await end('postgres');
  await end('trust-domain');
}

function waitUnref(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
