/**
 * The PostgreSQL process: started, watched through its log, reloaded, stopped.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Identities } from '@countersign/identities';
import { LocalStackError } from '../errors.ts';
import { type FollowedFile, followFile } from '../follow-file.ts';
import { loopback } from '../ports.ts';
import { asAccount, type PostgresAccount } from './account.ts';
import type { PostgresBinaries } from './binaries.ts';
import { explainSpawn } from './cluster.ts';
import type { PostgresLocation } from './location.ts';
import { createPostgresLogReader, type PostgresLogRecord } from './log-records.ts';
import { configArgument } from './stale-postmaster.ts';

/** What a server is started with; its configuration files are written before. */
export interface ServerOptions {
  readonly binaries: PostgresBinaries;
  readonly location: PostgresLocation;
  readonly account: PostgresAccount | undefined;
  readonly identities: Identities;
  readonly port: number;
  log(record: Record<string, unknown>): void;
  readonly signal: AbortSignal;
}

/** A server that accepts connections. */
export interface PostgresServer {
  readonly port: number;
  readonly pid: number;
  /** How it ended. */
  readonly exited: Promise<string>;
  /** Has it read its files again. */
  reload(): void;
  /** Fast shutdown, then harder. Idempotent. */
  stop(): Promise<void>;
}

/** Ctrl-C stops the whole system within 5 s: a server that can't write its checkpoint in this time recovers at the next start. */
const fastShutdownMs = 900;
const immediateShutdownMs = 400;
/** Its log is read as it grows, then cut. */
const maxLogBytes = 4 * 1024 * 1024;

/**
 * Starts the server and waits until it accepts connections.
 * @throws {LocalStackError} `PORT_TAKEN` or `POSTGRES_FAILED` with what it said.
 */
export async function startPostgresServer(options: ServerOptions): Promise<PostgresServer> {
  const { binaries, location, account, port, signal } = options;
  // A group of its own: Ctrl-C in a terminal goes to every process of the terminal's group, and would stop it before its clients.
  const child = spawn(binaries.postgres, ['-c', configArgument(location)], {
    ...asAccount(account),
    cwd: '/',
    detached: true,
    env: { LC_ALL: 'C', PATH: '/usr/bin:/bin', TZ: 'UTC' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const exited = exitOf(child);
  const startup = readStartup(child, options);
  const stop = stopper(child, exited);
  try {
    await raceUnlessAborted(
      Promise.race([startup.ready, exited.then((how) => Promise.reject(startFailure(how, startup.said(), port)))]),
      signal,
    );
  } catch (error) {
    await stop();
    startup.log.close();
    throw error;
  }
  const { pid } = child;
  if (pid === undefined) throw new LocalStackError('POSTGRES_FAILED', 'PostgreSQL has no process ID');
  void exited.then(() => {
    startup.log.poll();
    startup.log.close();
  });
  return { port, pid, exited, reload: () => void child.kill('SIGHUP'), stop };
}

function exitOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(explainSpawn(error)));
    child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
}

/** Reads its log from the first line on; what it says before the log is open comes on stderr. */
function readStartup(
  child: ChildProcess,
  options: ServerOptions,
): { ready: Promise<void>; said(): string; log: FollowedFile } {
  const said: string[] = [];
  const keep = (text: string) => {
    said.push(text);
    if (said.length > 40) said.shift();
  };
  child.stderr?.setEncoding('utf8').on('data', (text: string) => keep(text.trimEnd()));
  const reader = createPostgresLogReader(options.identities);
  const { promise, resolve } = Promise.withResolvers<void>();
  const onRecord = (record: PostgresLogRecord) => {
    if (record.event === 'postgres') keep(record.message);
    if (record.event === 'postgres' && record.message === 'database system is ready to accept connections') resolve();
    options.log({ ...record });
  };
  const log = followFile({
    path: join(options.location.log, 'postgresql.json'),
    truncateAtBytes: maxLogBytes,
    onLine(line) {
      const record = reader.read(line);
      if (record !== undefined) onRecord(record);
    },
  });
  return {
    ready: promise,
    log,
    said() {
      log.poll();
      return said.join('\n');
    },
  };
}

function startFailure(how: string, said: string, port: number): LocalStackError {
  if (said.includes('could not bind') || said.includes('could not create any TCP/IP sockets')) {
    return new LocalStackError(
      'PORT_TAKEN',
      `PostgreSQL can't listen on ${loopback}:${port}, another program took it; set COUNTERSIGN_POSTGRES_PORT to another port`,
    );
  }
  return new LocalStackError('POSTGRES_FAILED', `PostgreSQL did not start (${how}):\n${said.slice(-2000)}`);
}

async function raceUnlessAborted(started: Promise<void>, signal: AbortSignal): Promise<void> {
  const stopped = Promise.withResolvers<never>();
  const abort = () => stopped.reject(new LocalStackError('POSTGRES_FAILED', 'PostgreSQL was stopped while it started'));
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  try {
    await Promise.race([started, stopped.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

function stopper(child: ChildProcess, exited: Promise<string>): () => Promise<void> {
  let stopping: Promise<void> | undefined;
  const stop = async () => {
    const running = () => child.exitCode === null && child.signalCode === null && child.pid !== undefined;
    if (!running()) return;
    child.kill('SIGINT');
    const harder = setTimeout(() => child.kill('SIGQUIT'), fastShutdownMs);
    const hardest = setTimeout(() => child.kill('SIGKILL'), fastShutdownMs + immediateShutdownMs);
    await exited;
    clearTimeout(harder);
    clearTimeout(hardest);
  };
  return () => {
    stopping ??= stop();
    return stopping;
  };
}
