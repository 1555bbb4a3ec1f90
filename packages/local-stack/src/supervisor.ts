/**
 * Starts parts, keeps their logs, notices when one ends that should not, and stops them in order.
 */
import { join } from 'node:path';
import { type PartName, programs } from './definitions.ts';
import { LocalStackError } from './errors.ts';
import type { IdentityProvider } from './identity-provider.ts';
import { type LogFile, openLogFile } from './log-file.ts';
import { ended, type LogRecord, type Part, startPart } from './part.ts';
import { createReviver } from './reviver.ts';

/** Any program of the system, the one-off included. */
export type ProgramName = PartName | 'db-migrate';

/** What a supervisor is made with. */
export interface SupervisorOptions {
  /** Folder of the log files. */
  readonly logs: string;
  /** Which program the trust domain is, and who runs as whom. */
  readonly provider: Pick<IdentityProvider, 'program' | 'hasProcesses' | 'accountOf'>;
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

/** What a part has to end by itself: time to drain, and to write Node's compile cache, which its first end does. */
const graceMs: Readonly<Record<ProgramName, number>> = {
  customer: 3_000,
  backend: 3_000,
  'db-client': 3_000,
  'db-migrate': 500,
  // Its sidecar has steps of its own: fast, immediate, kill.
  postgres: 2_000,
  'trust-domain': 2_000,
  console: 1_500,
};
/** Everything is gone after this, whatever hangs. */
const stopWithinMs = 4_700;
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
  const consoleReviver = createReviver({
    name: 'console',
    relaunch: () => void launch('console', environments.get('console') ?? (() => ({}))),
    onRecord: (record) => options.onRecord('console', record),
  });

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
      program: name === 'trust-domain' ? options.provider.program : programs[name],
      account: options.provider.accountOf(name),
      env: env(),
      logFile: logFileOf(name),
      onRecord: (record) => options.onRecord(name, record),
    });
    parts.set(name, part);
    void part.exited.then((exit) => {
      if (parts.get(name) === part) parts.delete(name);
      const finished = name === 'db-migrate' && exit.code === 0;
      if (ending.delete(part) || finished) return;
      const error = ended(name, exit, part.lastLines());
      // The system can do without it, and must.
      if (name === 'console') consoleReviver.lost(error);
      else failed.resolve(error);
    });
    return part;
  };
  const end = (name: ProgramName, withinMs = graceMs[name]): Ending => {
    const part = parts.get(name);
    if (part === undefined) return { done: Promise.resolve(), gone: Promise.resolve() };
    ending.add(part);
    const gone = part.stop(Math.min(graceMs[name], withinMs));
    // Its work is over when it says so; its process takes a little longer.
    return {
      gone,
      done: Promise.race([
        gone,
        part.event('stopped', graceMs[name]).then(
          () => {},
          () => gone,
        ),
      ]),
    };
  };
  const stop = async (): Promise<void> => {
    consoleReviver.stop();
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
      await end(name).gone;
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
      consoleReviver.stop();
      for (const part of parts.values()) {
        ending.add(part);
        // One that runs a server is left to stop it: killed, it would leave the server behind.
        const runsServer = part.name === 'postgres' || (part.name === 'trust-domain' && options.provider.hasProcesses);
        part.kill(runsServer ? 'SIGTERM' : 'SIGKILL');
      }
    },
  };
}

/** The end of one part. */
interface Ending {
  /** It does no more work. */
  readonly done: Promise<void>;
  /** Its process has ended. */
  readonly gone: Promise<void>;
}

/** Front to back: PostgreSQL when no service is left that may use it, the trust domain when nobody needs a certificate. */
async function stopInOrder(end: (name: ProgramName, withinMs: number) => Ending): Promise<void> {
  const deadline = Date.now() + stopWithinMs;
  const endings: Ending[] = [];
  const begin = (name: ProgramName): Ending => {
    const ending = end(name, Math.max(200, deadline - Date.now()));
    endings.push(ending);
    return ending;
  };
  begin('db-migrate');
  for (const name of ['customer', 'backend', 'db-client'] as const) {
    await Promise.race([begin(name).done, waitUnref(nextServiceMs)]);
  }
  await Promise.all(endings.map(({ done }) => done));
  // After the services, which have sent it their last telemetry.
  begin('console');
  await begin('postgres').done;
  begin('trust-domain');
  await Promise.all(endings.map(({ gone }) => gone));
}

function waitUnref(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
