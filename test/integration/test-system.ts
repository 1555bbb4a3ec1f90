/**
 * The whole system for one test file: free ports, a state directory of its own, everything gone when it stops.
 */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type RunningSystem,
  removeStateDirectory,
  type System,
  type SystemOptions,
  spireFromEnv,
  startSpireSystem,
  startSystem,
} from '@countersign/local-stack';

/** As {@link startSystem}; `stop` also removes the state directory, unless it was given. */
export function startTestSystem(options: Partial<SystemOptions> = {}): Promise<System> {
  return startAndTidy(options, startSystem);
}

/**
 * The same for a test that does not care where identities come from: on SPIRE where `COUNTERSIGN_IDENTITY_PROVIDER` says so,
 * as `npm run test:spire` does.
 */
export function startTestSystemAnywhere(options: Partial<SystemOptions> = {}): Promise<RunningSystem> {
  const spire = spireFromEnv(process.env);
  if (spire === undefined) return startTestSystem(options);
  return startAndTidy<RunningSystem>(options, (complete) => startSpireSystem({ ...complete, spire }));
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
