/** Something done to the cluster while orders are placed and read all the time: not one call may fail. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { type Load, startLoad } from '../../prove/load.ts';
import type { Api } from './api.ts';
import { eventually } from './eventually.ts';
import type { Forward } from './forward.ts';
import { RUNNING } from './names.ts';
import { podsOf } from './objects.ts';

/** Some calls at any time, and time left on two cores for the cluster itself: a stall of theirs is no failure of ours. */
const PAUSE_MS = 150;

/** The load that runs beside. */
export interface RunningLoad {
  /** Resolves when so many more calls of each kind have succeeded. */
  succeeded(more: number): Promise<void>;
}

/** What is put under load. */
export interface Loaded {
  readonly api: Api;
  /** The customer's, forwarded. */
  readonly edge: Forward;
}

/** Runs `action` under load, and a little of it before and after. Nothing may fail, and no program may end by itself. */
export async function underLoad(
  t: TestContext,
  { api, edge }: Loaded,
  action: (load: RunningLoad) => Promise<void>,
): Promise<void> {
  const before = await restartsOf(api);
  const load = await startLoad(edge.url, PAUSE_MS);
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
  for (const [container, restarts] of await restartsOf(api))
    assert.equal(restarts, before.get(container) ?? 0, `${container} was started again`);
}

/** How often each container was started again. */
async function restartsOf(api: Api): Promise<ReadonlyMap<string, number>> {
  const pods = (await Promise.all(RUNNING.map((name) => podsOf(api, name)))).flat();
  return new Map(
    pods.flatMap(({ metadata, status: { initContainerStatuses = [], containerStatuses = [] } }) =>
      [...initContainerStatuses, ...containerStatuses].map(
        ({ name, restartCount }) => [`${metadata.name}/${name}`, restartCount] as const,
      ),
    ),
  );
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
