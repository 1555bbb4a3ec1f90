/**
 * The whole system for one test file: free ports, a state directory of its own, everything gone when it stops.
 */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  findRunningSystem,
  type OperatedSystem,
  openWorkloadSocket,
  type RunningSystem,
  removeStateDirectory,
  type System,
  type SystemOptions,
  spireFromEnv,
  startSpireSystem,
  startSystem,
  type WorkloadSocket,
} from '@countersign/local-stack';

/** As {@link startSystem}; `stop` also removes the state directory, unless it was given. */
export function startTestSystem(options: Partial<SystemOptions> = {}): Promise<System> {
  return startAndTidy(options, startSystem);
}

/** Whether {@link startTestSystemAnywhere} starts on SPIRE. */
export function isOnSpire(): boolean {
  return spireFromEnv(process.env) !== undefined;
}

/** A system of which nothing is known but that it runs, with identities that can be changed. */
export interface SystemAnywhere extends OperatedSystem {
  /** Workload API address at which this process is that workload, until the system stops. */
  socketAs(workload: string): Promise<string>;
}

/**
 * The same for a test that does not care where identities come from: on SPIRE where `COUNTERSIGN_IDENTITY_PROVIDER` says so,
 * as `npm run test:spire` does.
 */
export async function startTestSystemAnywhere(options: Partial<SystemOptions> = {}): Promise<SystemAnywhere> {
  const spire = spireFromEnv(process.env);
  const system =
    spire === undefined
      ? await startTestSystem(options)
      : await startAndTidy(options, (complete) => startSpireSystem({ ...complete, spire }));
  const sockets = new Map<string, Promise<WorkloadSocket>>();
  const stop = async () => {
    for (const socket of sockets.values()) await (await socket).close();
    await system.stop();
  };
  return {
    ...system,
    stop,
    [Symbol.asyncDispose]: stop,
    async socketAs(workload) {
      const socket = sockets.get(workload) ?? openWorkloadSocket(findRunningSystem(system.stateDirectory), workload);
      sockets.set(workload, socket);
      return (await socket).endpoint;
    },
  };
}

async function startAndTidy<Started extends RunningSystem>(
  options: Partial<SystemOptions>,
  start: (options: SystemOptions) => Promise<Started>,
): Promise<Started> {
  const stateDirectory = options.stateDirectory ?? temporaryStateDirectory();
  const system = await start({ env: process.env, ports: 'free', ...options, stateDirectory });
  if (options.stateDirectory !== undefined) return system;
  const stop = async () => {
    await system.stop();
    removeStateDirectory(stateDirectory);
  };
  return { ...system, stop, [Symbol.asyncDispose]: stop };
}

/** A new, empty folder. */
export function temporaryStateDirectory(): string {
  return mkdtempSync(join(tmpdir(), 'countersign-test-'));
}
