/**
 * What federated bundles and SVID updates cost a workload: one process plays the agent, one the workload, and CPU time of the
 * second is what counts.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AgentCommands } from './agent-main.ts';
import { type Effort, FEDERATIONS } from './plan.ts';
import { profileArguments } from './profile.ts';
import type { BundleFigures, UpdateFigures } from './results.ts';
import { median } from './statistics.ts';
import { startWorker, type Worker } from './worker.ts';
import type { WorkloadCommands } from './workload-main.ts';

/** A batch takes long enough for the clock of CPU time, which ticks in milliseconds on some systems. */
const BATCHES = 10;
/** Messages with which code gets warm before one is measured. */
const WARM_UP_UPDATES = 200;

interface Processes {
  readonly agent: Worker<AgentCommands>;
  readonly workload: Worker<WorkloadCommands>;
  readonly directory: string;
}

/** One after the other, each with a workload of its own. */
export async function measureBundles(effort: Effort): Promise<BundleFigures[]> {
  const figures: BundleFigures[] = [];
  for (const federation of FEDERATIONS) {
    figures.push(await withProcesses([], (processes) => measureFederation(processes, federation, effort)));
  }
  return figures;
}

async function measureFederation(
  { agent, workload, directory }: Processes,
  federation: (typeof FEDERATIONS)[number],
  { samples, updates }: Effort,
): Promise<BundleFigures> {
  await warmUp({ agent, workload, directory });
  const socketPath = join(directory, 'agent.sock');
  const peer = await agent.ask('serve', { socketPath, ...federation });
  const first = await workload.ask('open', socketPath);
  const verdictUs = await workload.ask('judge', { ...peer, samples });
  // As many as take about as long as ten updates without any bundle.
  const batch = Math.max(3, Math.round(updates / 100 / Math.max(1, federation.bundles / 20)));
  const batches: number[] = [];
  while (batches.length < BATCHES) batches.push(await measureBatch({ agent, workload }, batch));
  return { ...federation, firstMs: first.cpuMs, updateMs: median(batches), verdictUs, heapBytes: first.heapBytes };
}

/** Two hundred updates without bundles, on a socket that is not used again. */
async function warmUp({ agent, workload, directory }: Processes): Promise<void> {
  const socketPath = join(directory, 'warm-up.sock');
  await agent.ask('serve', { socketPath, bundles: 1, authorities: 1 });
  await workload.ask('open', socketPath);
  await measureBatch({ agent, workload }, WARM_UP_UPDATES);
}

/** CPU milliseconds for each. */
async function measureBatch({ agent, workload }: Omit<Processes, 'directory'>, size: number): Promise<number> {
  const [{ cpuMs }] = await Promise.all([workload.ask('expectUpdates', size), agent.ask('push', size)]);
  return cpuMs / size;
}

/** Many updates in a row, to a process with servers, clients and open connections. */
export function measureUpdates({ updates }: Effort, profileDirectory: string | undefined): Promise<UpdateFigures> {
  const profile = profileArguments('updates', profileDirectory);
  return withProcesses(profile, async ({ agent, workload, directory }) => {
    const socketPath = join(directory, 'agent.sock');
    await agent.ask('serve', { socketPath, bundles: 1, authorities: 1 });
    await workload.ask('open', socketPath);
    await workload.ask('openAdapters');
    const size = updates / BATCHES;
    const batches = [await measureBatch({ agent, workload }, size)];
    const heapEarlyBytes = await workload.ask('heapBytes');
    while (batches.length < BATCHES) batches.push(await measureBatch({ agent, workload }, size));
    const heapLateBytes = await workload.ask('heapBytes');
    await workload.ask('close');
    return { updates, medianMs: median(batches), worstMs: Math.max(...batches), heapEarlyBytes, heapLateBytes };
  });
}

async function withProcesses<T>(execArgv: readonly string[], use: (processes: Processes) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'countersign-bench-'));
  const agent = startWorker<AgentCommands>('./agent-main.ts');
  const workload = startWorker<WorkloadCommands>('./workload-main.ts', ['--expose-gc', ...execArgv]);
  try {
    return await use({ agent, workload, directory });
  } finally {
    await Promise.all([agent.stop(), workload.stop()]);
    await rm(directory, { recursive: true, force: true });
  }
}
