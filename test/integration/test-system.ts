/**
 * The whole system for one test file: free ports, a state directory of its own, everything gone when it stops.
 */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeStateDirectory, type System, type SystemOptions, startSystem } from '@countersign/local-stack';

/** As {@link startSystem}; `stop` also removes the state directory, unless it was given. */
export async function startTestSystem(options: Partial<SystemOptions> = {}): Promise<System> {
  const stateDirectory = options.stateDirectory ?? temporaryStateDirectory();
  const system = await startSystem({ env: process.env, ports: 'free', ...options, stateDirectory });
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
