/**
 * The whole system on real SPIRE for one test file: free ports, a state directory of its own, everything gone when it stops.
 * `npm run test:spire` names SPIRE's programs; without it a test fails instead of passing unseen.
 */
import assert from 'node:assert/strict';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  removeStateDirectory,
  type SpireOptions,
  type SpireSystem,
  type SystemOptions,
  startSpireSystem,
} from '@countersign/local-stack';

/** Life of an SVID: SPIRE pushes the next one after half of it; a retire window is a tenth of what is left. */
export const svidTtlMs = 60_000;

/** How to start SPIRE in a test; programs that are not named are those of the run. */
export interface TestSpireOptions extends Partial<SpireOptions>, Pick<SystemOptions, 'onRecord' | 'svidTtlMs'> {
  /** One that outlives the system; a new one that does not, if it is not given. */
  readonly stateDirectory?: string;
}

/** Starts the system; `stop` also removes its state, unless that was given. */
export async function startTestSpireSystem(options: TestSpireOptions = {}): Promise<SpireSystem> {
  const { COUNTERSIGN_SPIRE_SERVER: server, COUNTERSIGN_SPIRE_AGENT: agent } = process.env;
  assert.ok(server && agent, 'these tests are run by: npm run test:spire');
  const { stateDirectory = temporaryStateDirectory(), onRecord, svidTtlMs: ttlMs = svidTtlMs, ...spire } = options;
  const remove = () => options.stateDirectory === undefined && removeStateDirectory(stateDirectory);
  const system = await startSpireSystem({
    stateDirectory,
    ports: 'free',
    env: { ...process.env, LOG_LEVEL: 'debug' },
    svidTtlMs: ttlMs,
    ...(onRecord === undefined ? {} : { onRecord }),
    spire: { server, agent, ...spire },
  }).catch((error: unknown) => {
    remove();
    throw error;
  });
  const stop = async () => {
    await system.stop();
    remove();
  };
  return { ...system, stop, [Symbol.asyncDispose]: stop };
}

/** A new, empty folder. */
export function temporaryStateDirectory(): string {
  return mkdtempSync(join(tmpdir(), 'countersign-spire-'));
}
