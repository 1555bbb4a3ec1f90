/**
 * A run: a server and a client process for each variant, all started at first, then round after round of short loads, one at
 * a time, so that whatever slows the machine down hits all variants alike.
 */
import type { ClientCommands } from './client-main.ts';
import { type Effort, takesPart, VARIANTS, type Variant, WORKLOADS, type Workload } from './plan.ts';
import { describeMachine, type Results, type RoundFigures, type Series } from './results.ts';
import type { ServerCommands } from './server-main.ts';
import type { StepFigures } from './step-figures.ts';
import type { StepCommands } from './steps-main.ts';
import { createRunCredentials, type RunCredentials } from './test-credentials.ts';
import { startWorker, type Worker } from './worker.ts';

/** How a run is made. */
export interface RunOptions {
  readonly effort: Effort;
  /** Where each process leaves a CPU profile when it ends. Profiling costs time: such figures are not for comparing. */
  readonly profileDirectory?: string;
  /** Told what is being done. */
  readonly onProgress: (text: string) => void;
}

interface Pair {
  readonly variant: Variant;
  readonly server: Worker<ServerCommands>;
  readonly client: Worker<ClientCommands>;
  readonly port: number;
}

interface Cell {
  readonly pair: Pair;
  readonly workload: Workload;
  readonly rounds: RoundFigures[];
}

export async function run(options: RunOptions): Promise<Results> {
  const { effort, onProgress } = options;
  const machine = describeMachine();
  const credentials = await createRunCredentials();
  const handshakes = new Set<string>();
  const pairs: Pair[] = [];
  try {
    for (const variant of VARIANTS) pairs.push(await startPair(variant, credentials, options));
    const cells = cellsOf(pairs);
    onProgress('warm-up');
    for (const cell of cells) await open(cell, { credentials, handshakes, warmUpMs: effort.warmUpMs });
    for (let round = 1; round <= effort.rounds; round += 1) {
      onProgress(`round ${round} of ${effort.rounds}`);
      // There and back, so that nobody always comes first.
      for (const cell of round % 2 === 0 ? cells : [...cells].reverse()) {
        await open(cell, { credentials, handshakes, warmUpMs: effort.roundMs / 5 });
        cell.rounds.push(await measure(cell, effort.roundMs, handshakes));
      }
    }
    const series = cells.map(toSeries);
    onProgress('single steps');
    const steps = [...(await measureSteps(effort.samples, options)), ...(await decisionsOf(pairs))];
    return { takenAt: new Date().toISOString(), machine, effort, handshakes: [...handshakes].sort(), series, steps };
  } finally {
    await Promise.all(pairs.flatMap(({ server, client }) => [server.stop(), client.stop()]));
  }
}

async function startPair(variant: Variant, credentials: RunCredentials, options: RunOptions): Promise<Pair> {
  const server = startWorker<ServerCommands>('./server-main.ts', nodeArguments(`${variant.name} server`, options));
  const client = startWorker<ClientCommands>('./client-main.ts', nodeArguments(`${variant.name} client`, options));
  try {
    const port = await server.ask('start', { variant, credentials: credentials.server });
    return { variant, server, client, port };
  } catch (error) {
    await Promise.all([server.stop(), client.stop()]);
    throw error;
  }
}

function nodeArguments(name: string, { profileDirectory }: RunOptions): string[] {
  if (profileDirectory === undefined) return [];
  const file = `${name.replaceAll(/[^a-z]+/gi, '-')}.cpuprofile`;
  return ['--cpu-prof', `--cpu-prof-dir=${profileDirectory}`, `--cpu-prof-name=${file}`];
}

function cellsOf(pairs: readonly Pair[]): Cell[] {
  return WORKLOADS.flatMap((workload) =>
    pairs.filter(({ variant }) => takesPart(variant, workload)).map((pair) => ({ pair, workload, rounds: [] })),
  );
}

interface Opening {
  readonly credentials: RunCredentials;
  readonly warmUpMs: number;
  /** Gets the kinds of handshake that were seen. */
  readonly handshakes: Set<string>;
}

/** Gets the client ready. What it had open before is closed. */
async function open({ pair, workload }: Cell, { credentials, warmUpMs, handshakes }: Opening): Promise<void> {
  const { variant, client, port } = pair;
  await client.ask('close');
  const kinds = await client.ask('open', { variant, workload, credentials: credentials.client, port, warmUpMs });
  // The first connections have nothing to resume.
  if (!variant.resumption) noteHandshakes(variant, kinds, handshakes);
}

async function measure({ pair }: Cell, durationMs: number, handshakes: Set<string>): Promise<RoundFigures> {
  const { variant, server, client } = pair;
  const serverCpuBefore = await server.ask('cpuSeconds');
  const report = await client.ask('load', durationMs);
  const serverCpuSeconds = (await server.ask('cpuSeconds')) - serverCpuBefore;
  await client.ask('close');
  noteHandshakes(variant, report.handshakes, handshakes);
  const { operations, perSecond, p50Ms, p99Ms, clientCpuSeconds } = report;
  const clientCpu = (clientCpuSeconds * 10_000) / operations;
  const serverCpu = (serverCpuSeconds * 10_000) / operations;
  return { operations, perSecond, p50Ms, p99Ms, clientCpu, serverCpu };
}

/** A variant that resumes where it should not, or the other way round, would be compared with something else. */
function noteHandshakes(variant: Variant, kinds: readonly string[], seen: Set<string>): void {
  const wrong = kinds.filter((kind) => kind.endsWith('resumed') !== variant.resumption);
  if (wrong.length > 0) throw new Error(`bench: ${variant.name} made unexpected handshakes: ${wrong.join(', ')}`);
  for (const kind of kinds) seen.add(kind);
}

function toSeries({ pair, workload, rounds }: Cell): Series {
  return { variant: pair.variant.name, workload: workload.name, rounds };
}

async function measureSteps(samples: number, options: RunOptions): Promise<StepFigures[]> {
  const worker = startWorker<StepCommands>('./steps-main.ts', nodeArguments('steps', options));
  try {
    return await worker.ask('measure', samples);
  } finally {
    await worker.stop();
  }
}

/** What the servers' own decisions took, between everything else that a request does. */
async function decisionsOf(pairs: readonly Pair[]): Promise<StepFigures[]> {
  const steps = await Promise.all(pairs.map(({ server, variant }) => server.ask('decisions', variant.name)));
  return steps.filter((step) => step !== undefined);
}
