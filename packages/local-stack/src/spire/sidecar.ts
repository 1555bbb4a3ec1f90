/**
 * Runs SPIRE: a server, the entries, an agent that joins by a token; all anew at each start, under a root that stays.
 */
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { LocalStackError } from '../errors.ts';
import { findFreePort } from '../ports.ts';
import { createSpireCommand, type SpireCommand } from './command.ts';
import { agentConf, agentIdOf, bootstrapFile, type SpireRoot, type SpireSettings, serverConf } from './config-files.ts';
import type { SpireEntry } from './entries.ts';
import { renewSpireData, type SpireLayout } from './layout.ts';
import { recordProcess, stopRecordedProcesses } from './process-record.ts';
import { ensureRoot } from './root-ca.ts';
import { type Log, startWatchedProcess, type WatchedProcess } from './watched-process.ts';

/** What the sidecar runs with. */
export interface SpireSidecarOptions extends Pick<SpireSettings, 'bundleEndpointPort' | 'hashPrograms' | 'debug'> {
  readonly programs: { readonly server: string; readonly agent: string };
  readonly layout: SpireLayout;
  readonly trustDomain: string;
  readonly root: SpireRoot;
  readonly entries: readonly SpireEntry[];
  readonly log: Log;
  /** Stops both. */
  readonly signal: AbortSignal;
}

const pollMs = 50;

/**
 * Runs until told to stop.
 * @throws {LocalStackError} `SPIRE_FAILED` when server or agent can't be started or kept running.
 */
export async function runSpireSidecar(options: SpireSidecarOptions): Promise<void> {
  const { layout, trustDomain, root, entries, log, signal } = options;
  // What ran before us may have been killed, and then SPIRE still runs.
  await stopRecordedProcesses(layout);
  renewSpireData(layout);
  if (root === 'disk') await ensureRoot(layout, trustDomain, Date.now());
  const settings: SpireSettings = { ...options, port: await findFreePort() };
  const command = createSpireCommand(options.programs.server, layout.serverSocket);
  const running: WatchedProcess[] = [];
  try {
    const server = startServer(options, settings, command);
    running.push(server);
    await unlessStopped(server.ready, signal);
    if (entries.length > 0)
      await unlessStopped(command(['entry', 'create', '-data', '-'], JSON.stringify({ entries })), signal);
    const agent = startAgent(options, settings, await joinToken(options, command));
    running.push(agent);
    await unlessStopped(agent.ready, signal);
    log({ event: 'ready', socket: layout.agentSocket, server_socket: layout.serverSocket });
    await unlessStopped(Promise.race([server.failed, agent.failed]), signal);
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    for (const each of running.reverse()) await each.stop();
  }
}

function startServer(
  { programs, layout, log }: SpireSidecarOptions,
  settings: SpireSettings,
  command: SpireCommand,
): WatchedProcess {
  const config = join(layout.server, 'server.conf');
  writeFileSync(config, serverConf(settings), { mode: 0o600 });
  return startWatchedProcess({
    name: 'spire-server',
    program: programs.server,
    args: () => ['run', '-config', config],
    onStart: (pid) => recordProcess(layout, pid),
    // Its socket is there before it has a CA: only the health check says that it can sign.
    waitUntilReady: (ended) => poll(ended, () => command(['healthcheck'])),
    log,
  });
}

/** The token is good for one join; what the agent gets for it is in its data folder when it is started again. */
function startAgent(
  { programs, layout, log }: SpireSidecarOptions,
  settings: SpireSettings,
  token: string,
): WatchedProcess {
  const config = join(layout.agent, 'agent.conf');
  writeFileSync(config, agentConf(settings), { mode: 0o600 });
  let starts = 0;
  return startWatchedProcess({
    name: 'spire-agent',
    program: programs.agent,
    args() {
      starts += 1;
      return ['run', '-config', config, ...(starts === 1 ? ['-joinToken', token] : [])];
    },
    onStart: (pid) => recordProcess(layout, pid),
    waitUntilReady: (ended) => poll(ended, () => connectOnce(layout.agentSocket)),
    log,
  });
}

async function joinToken({ layout, trustDomain }: SpireSidecarOptions, command: SpireCommand): Promise<string> {
  writeFileSync(bootstrapFile(layout), await command(['bundle', 'show', '-format', 'pem']), { mode: 0o600 });
  const said = await command(['token', 'generate', '-spiffeID', agentIdOf(trustDomain)]);
  const token = /^Token: (\S+)$/m.exec(said)?.[1];
  if (token === undefined) throw new LocalStackError('SPIRE_FAILED', 'spire-server token generate gave no token');
  return token;
}

/** Tries until it works or the process has ended, which is told elsewhere. */
async function poll(ended: AbortSignal, attempt: () => Promise<unknown>): Promise<void> {
  for (;;) {
    try {
      await attempt();
      return;
    } catch {
      await delay(pollMs, undefined, { signal: ended });
    }
  }
}

function connectOnce(path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.destroy();
      resolve();
    });
  });
}

function unlessStopped<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) return Promise.reject(signal.reason);
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
