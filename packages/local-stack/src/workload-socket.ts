/**
 * A Workload API at which this process is one of the workloads. Where each workload has a socket of its own, that is its
 * address; on SPIRE the agent goes by the user of whoever asks, so somebody of that user has to ask for us.
 */
import { fork } from 'node:child_process';
import { chownSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LocalStackError } from './errors.ts';
import type { SystemFile } from './system-file.ts';

/** An address that lasts until it is closed. */
export interface WorkloadSocket extends AsyncDisposable {
  /** `unix:///...` */
  readonly endpoint: string;
  close(): Promise<void>;
}

/**
 * Opens the address. On SPIRE this takes root, who can be any user anyway: nobody gets an identity that was not his to take.
 * @throws {LocalStackError} `NOT_RUNNING` when the system has no such workload.
 */
export async function openWorkloadSocket(
  { sockets, accounts }: Pick<SystemFile, 'sockets' | 'accounts'>,
  workload: string,
): Promise<WorkloadSocket> {
  const endpoint = sockets[workload];
  if (endpoint === undefined)
    throw new LocalStackError(
      'NOT_RUNNING',
      `the running system has no workload ${JSON.stringify(workload)}: restart it with the present identities.json`,
    );
  const account = accounts?.[workload];
  if (account === undefined) return asSocket(endpoint, async () => {});
  const folder = mkdtempSync(join(tmpdir(), 'countersign-as-'));
  try {
    // The folder is the workload's alone: others of this machine must not be it, too.
    chownSync(folder, account.uid, account.gid);
    const path = join(folder, 'api.sock');
    const relay = await startRelay(path, endpoint, account);
    return asSocket(`unix://${path}`, async () => {
      await relay.stop();
      rmSync(folder, { recursive: true, force: true });
    });
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

function asSocket(endpoint: string, close: () => Promise<void>): WorkloadSocket {
  return { endpoint, close, [Symbol.asyncDispose]: close };
}

/** Runs the relay as that user until it is stopped, or until this process is gone. */
async function startRelay(
  path: string,
  endpoint: string,
  { uid, gid }: { uid: number; gid: number },
): Promise<{ stop(): Promise<void> }> {
  const program = fileURLToPath(new URL('./spire/relay.ts', import.meta.url));
  const child = fork(program, [path, endpoint.slice('unix://'.length)], {
    uid,
    gid,
    cwd: '/',
    env: { PATH: '/usr/local/bin:/usr/bin:/bin' },
    execArgv: [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
  const listening = new Promise<void>((resolve) => child.once('message', () => resolve()));
  await Promise.race([
    listening,
    ended.then((how) => Promise.reject(new LocalStackError('SPIRE_FAILED', `the relay to the agent ended: ${how}`))),
  ]);
  return {
    async stop() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}
