/** Something done to the cluster while orders are placed and read all the time: not one call may fail. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { type Load, startLoad } from '../../prove/load.ts';
import { eventually } from './eventually.ts';

/** The load that runs beside. */
export interface RunningLoad {
  /** Resolves when so many more calls of each kind have succeeded. */
  succeeded(more: number): Promise<void>;
}

/** Runs `action` under load, and a little of it before and after. */
export async function underLoad(
  t: TestContext,
  customerUrl: string,
  action: (load: RunningLoad) => Promise<void>,
): Promise<void> {
  const load = await startLoad(customerUrl);
  const succeeded = (more: number) => untilSucceeded(load, more);
  try {
    await succeeded(10);
    await action({ succeeded });
    await succeeded(10);
  } finally {
    await load.stop();
    t.diagnostic(load.calls.map(({ name, succeeded: count }) => `${name}: ${count}`).join(', '));
    for (const failure of failuresOf(load).slice(0, 5)) t.diagnostic(failure);
  }
  assert.deepEqual(failuresOf(load), [], 'no call may fail');
  assert.equal(load.stream.ended, false, 'the stream of orders stays open');
  assert.ok(load.stream.orders > 0, 'and tells of orders');
}

async function untilSucceeded(load: Load, more: number): Promise<void> {
  const targets = load.calls.map(({ succeeded }) => succeeded + more);
  await eventually(60_000, () => {
    for (const [index, { name, succeeded, failures }] of load.calls.entries())
      assert.ok(
        succeeded >= (targets[index] ?? 0),
        `${name}: ${succeeded}, failed ${failures.length}: ${failures.at(-1)}`,
      );
  });
}

function failuresOf({ calls }: Load): string[] {
  return calls.flatMap(({ name, failures }) => failures.map((failure) => `${name}: ${failure}`));
}
