/**
 * The same system on real SPIRE: server and agent as processes, a user for each program. Needs root.
 */

import type { Account } from '../identity-provider.ts';
import type { LogRecord } from '../part.ts';
import { type RunningSystem, type SystemOptions, startOn } from '../system.ts';
import { createSpireCommand } from './command.ts';
import { createSpireControl, type SpireControl } from './control.ts';
import { createSpireProvider, type SpireOptions } from './provider.ts';

/** As {@link SystemOptions}; `svidTtlMs` is 300 000 by default. */
export interface SpireSystemOptions extends SystemOptions {
  readonly spire: SpireOptions;
}

/** A running system on SPIRE. */
export interface SpireSystem extends RunningSystem {
  readonly spire: SpireControl;
  /** User and group that a workload's program runs as. */
  accountOf(workload: string): Account | undefined;
}

/**
 * Starts the system on SPIRE and resolves when an order would be served.
 * @throws {LocalStackError} as `startSystem`; `SPIRE_UNAVAILABLE` comes before anything was started.
 */
export async function startSpireSystem(options: SpireSystemOptions): Promise<SpireSystem> {
  const { system, provider } = await startOn(options, (input) => createSpireProvider(input, options.spire));
  const { agentSocket, serverSocket } = provider.layout;
  const command = createSpireCommand(options.spire.server, serverSocket);
  const restart = (name: 'spire-server' | 'spire-agent') => restartProcess(system, name);
  return {
    ...system,
    spire: createSpireControl(command, { socket: `unix://${agentSocket}`, serverSocket }, restart),
    accountOf: (workload) => provider.accounts.get(workload),
  };
}

/** It is started again by what watches it; the record of that names another process. */
async function restartProcess(system: RunningSystem, name: 'spire-server' | 'spire-agent'): Promise<void> {
  const isReady = (record: LogRecord) => record['event'] === 'spire-ready' && record['process'] === name;
  const running = system.findLogs('trust-domain', isReady).at(-1)?.['process_id'];
  if (typeof running !== 'number') throw new TypeError(`local-stack: ${name} does not run`);
  process.kill(running, 'SIGTERM');
  await system.waitForLog('trust-domain', (record) => isReady(record) && record['process_id'] !== running, 30_000);
}
