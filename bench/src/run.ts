/**
 * A run: a server and a client process for each variant, all started at first, then round after round of short loads, one at
 * a time, so that whatever slows the machine down hits all variants alike.
 */
import type { ClientCommands } from './client-main.ts';
import { startGoProgram } from './go-program.ts';
import {
  type Effort,
  needsGoSpiffe,
  type Side,
  takesPart,
  VARIANTS,
  type Variant,
  WORKLOADS,
  type Workload,
} from './plan.ts';
import { profileArguments } from './profile.ts';
import type { ReceiverCommands } from './receiver.ts';
import { describeMachine, type MemoryFigures, type Results, type RoundFigures, type Series } from './results.ts';
import type { ServerCommands } from './server-main.ts';
import type { StepFigures } from './step-figures.ts';
import { measureSteps } from './steps.ts';
import { createRunCredentials, type RunCredentials } from './test-credentials.ts';
import { type Commands, startWorker, type Worker } from './worker.ts';

/** How a run is made. */
export interface RunOptions {
  readonly effort: Effort;
  /** Where each process leaves a CPU profile when it ends. Profiling costs time: such figures are not for comparing. */
  readonly profileDirectory?: string;
  /** The program that is go-spiffe's side; without it there is no such rival. */
  readonly goSpiffe?: string;
  /** Told what is being done. */
  readonly onProgress: (text: string) => void;
}

/** Go has no say in TLS 1.3 ciphers, and as a server takes this one, where OpenSSL would take the next. */
const ONE_CIPHER = ['--tls-cipher-list=TLS_AES_128_GCM_SHA256'];

interface Pair {
  readonly variant: Variant;
  readonly server: Worker<ServerCommands>;
  readonly client: Worker<ClientCommands>;
  readonly port: number;
  /** What the server occupied before its first connection. */
  readonly idleBytes: number | null;
}

interface Cell {
  readonly pair: Pair;
  readonly workload: Workload;
  readonly rounds: RoundFigures[];
}

export async function run(options: RunOptions): Promise<Results> {
  const { effort, onProgress, goSpiffe } = options;
  const machine = describeMachine();
  const credentials = await createRunCredentials();
  const handshakes = new Set<string>();
  const pairs: Pair[] = [];
  const receiver = startWorker<ReceiverCommands>('./receiver.ts');
  try {
    const otlpEndpoint = `http://127.0.0.1:${await receiver.ask('start')}`;
    for (const variant of VARIANTS) {
      if (goSpiffe !== undefined || !needsGoSpiffe(variant))
        pairs.push(await startPair(variant, credentials, { ...options, otlpEndpoint }));
    }
    const cells = cellsOf(pairs);
    await runRounds(cells, { effort, credentials, handshakes, onProgress });
    checkAlike(handshakes);
    const loads = { handshakes: [...handshakes].sort(), series: cells.map(toSeries), memory: await memoryOf(pairs) };
    onProgress('single steps');
    const decisions = await decisionsOf(pairs);
    const { steps, bundles, updates } = await measureSteps(options);
    const measured = { ...loads, steps: [...steps, ...decisions], bundles, updates };
    return { takenAt: new Date().toISOString(), machine, effort, ...measured };
  } finally {
    await Promise.all([receiver, ...pairs.flatMap(({ server, client }) => [server, client])].map((one) => one.stop()));
  }
}

interface Rounds {
  readonly effort: Effort;
  readonly credentials: RunCredentials;
  readonly handshakes: Set<string>;
  readonly onProgress: (text: string) => void;
}

async function runRounds(cells: readonly Cell[], { effort, onProgress, ...opening }: Rounds): Promise<void> {
  onProgress('warm-up');
  for (const cell of cells) await open(cell, { ...opening, warmUpMs: effort.warmUpMs });
  for (let round = 1; round <= effort.rounds; round += 1) {
    onProgress(`round ${round} of ${effort.rounds}`);
    // There and back, so that nobody always comes first.
    for (const cell of round % 2 === 0 ? cells : [...cells].reverse()) {
      await open(cell, { ...opening, warmUpMs: effort.roundMs / 5 });
      cell.rounds.push(await measure(cell, effort.roundMs, opening.handshakes));
    }
  }
}

/** A run's options, and where telemetry goes. */
interface SideOptions extends RunOptions {
  readonly otlpEndpoint: string;
}

async function startPair(variant: Variant, credentials: RunCredentials, options: SideOptions): Promise<Pair> {
  const server = startSide<ServerCommands>(variant.server, './server-main.ts', `${variant.name} server`, options);
  const client = startSide<ClientCommands>(variant.client, './client-main.ts', `${variant.name} client`, options);
  try {
    const port = await server.ask('start', { variant, credentials: credentials.server });
    return { variant, server, client, port, idleBytes: await server.ask('residentBytes') };
  } catch (error) {
    await Promise.all([server.stop(), client.stop()]);
    throw error;
  }
}

function startSide<C extends Commands>(side: Side, program: string, name: string, options: SideOptions): Worker<C> {
  const { goSpiffe, profileDirectory, otlpEndpoint } = options;
  if (side === 'go-spiffe' && goSpiffe !== undefined) return startGoProgram<C>(goSpiffe);
  const variables = { OTEL_EXPORTER_OTLP_ENDPOINT: otlpEndpoint, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf' };
  return startWorker<C>(program, [...ONE_CIPHER, ...profileArguments(name, profileDirectory)], variables);
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

/** Two kinds of full handshake in one run would compare key exchanges and ciphers, not what is between them. */
function checkAlike(seen: ReadonlySet<string>): void {
  const full = [...seen].filter((kind) => kind.endsWith('full'));
  if (full.length > 1) throw new Error(`bench: every variant must agree on one handshake, got ${full.join(', ')}`);
}

async function memoryOf(pairs: readonly Pair[]): Promise<MemoryFigures[]> {
  const alike = pairs.filter(({ variant }) => variant.server === variant.client && !variant.resumption);
  const figures = await Promise.all(
    alike.map(async ({ variant, server, idleBytes }) => ({
      variant: variant.name,
      idleBytes,
      loadedBytes: await server.ask('residentBytes'),
    })),
  );
  return figures.flatMap(({ variant, idleBytes, loadedBytes }) =>
    idleBytes === null || loadedBytes === null ? [] : [{ variant, idleBytes, loadedBytes }],
  );
}

function toSeries({ pair, workload, rounds }: Cell): Series {
  return { variant: pair.variant.name, workload: workload.name, rounds };
}

/** What the servers' own decisions took, between everything else that a request does. */
async function decisionsOf(pairs: readonly Pair[]): Promise<StepFigures[]> {
  const steps = await Promise.all(pairs.map(({ server, variant }) => server.ask('decisions', variant.name)));
  // Over JSON nothing is null.
  return steps.flatMap((step) => step ?? []);
}
