/**
 * The same system on real SPIRE: server and agent as processes, a user for each program. Needs root.
 */

import { TrustDomain } from '@countersign/spiffe-tls';
import type { LogRecord } from '../part.ts';
import { type OperatedSystem, type RunningSystem, type SystemOptions, startOn } from '../system.ts';
import { createSpireCommand } from './command.ts';
import { rootFiles } from './config-files.ts';
import { createSpireCommands, type SpireControl } from './control.ts';
import { createSpireOperator } from './operator.ts';
import { createSpireProvider, type SpireOptions } from './provider.ts';
import { replaceRoot } from './root-ca.ts';

/** As {@link SystemOptions}; `svidTtlMs` is 300 000 by default. */
export interface SpireSystemOptions extends SystemOptions {
  readonly spire: SpireOptions;
}

/** A running system on SPIRE. */
export interface SpireSystem extends OperatedSystem {
  readonly spire: SpireControl;
}

/**
 * Starts the system on SPIRE and resolves when an order would be served.
 * @throws {LocalStackError} as `startSystem`; `SPIRE_UNAVAILABLE` comes before anything was started.
 */
export async function startSpireSystem(options: SpireSystemOptions): Promise<SpireSystem> {
  const { system, provider } = await startOn(options, (input) => createSpireProvider(input, options.spire));
  const { agentSocket, serverSocket } = provider.layout;
  const { identities } = system;
  const spire: SpireControl = {
    ...createSpireCommands(createSpireCommand(options.spire.server, serverSocket)),
    socket: `unix://${agentSocket}`,
    serverSocket,
    root: rootFiles(provider.layout),
    restart: (name) => restartProcess(system, name),
    replaceRoot: () => replaceRoot(provider.layout, TrustDomain.parse(identities.trustDomain), Date.now()),
  };
  return {
    ...system,
    spire,
    ...createSpireOperator({ spire, system, identities, entries: provider.entries }),
    provider: 'spire',
    replacesCa: (options.spire.root ?? 'disk') === 'disk',
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
