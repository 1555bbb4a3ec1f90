/**
 * From results to tables. A table is data first; text and Markdown are two ways to print the same one.
 */
import { AGAINST_BARE, AGAINST_GO_SPIFFE, type Comparison, LAYER_BY_LAYER, WORKLOADS } from './plan.ts';
import type { Results, RoundFigures, Series } from './results.ts';
import { median, pairedRatios, type Spread } from './statistics.ts';

interface Table {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: ReadonlyArray<readonly string[]>;
}

/** The figures that are shown, in order. */
const COLUMNS: ReadonlyArray<{ head: string; of: (round: RoundFigures) => number; digits: number }> = [
  { head: 'per second', of: ({ perSecond }) => perSecond, digits: 0 },
  { head: 'p50 ms', of: ({ p50Ms }) => p50Ms, digits: 2 },
  { head: 'p99 ms', of: ({ p99Ms }) => p99Ms, digits: 2 },
  { head: 'CPU s, client', of: ({ clientCpu }) => clientCpu, digits: 2 },
  { head: 'CPU s, server', of: ({ serverCpu }) => serverCpu, digits: 2 },
  { head: 'CPU s, both', of: ({ clientCpu, serverCpu }) => clientCpu + serverCpu, digits: 2 },
];
const HEAD = ['', ...COLUMNS.map(({ head }) => head)];

/** For the terminal. */
export function toText(results: Results): string {
  return [describe(results), ...tablesOf(results).map(textTable)].join('\n\n');
}

/** For `docs/reference/performance.md`. */
export function toMarkdown(results: Results): string {
  return [describe(results), ...tablesOf(results).map(markdownTable)].join('\n\n');
}

/** When and on what, because no figure means anything without it. */
function describe({ takenAt, machine, effort, handshakes }: Results): string {
  const { platform, cores, processor, memoryGb, node, openssl, loadBefore } = machine;
  return [
    `Taken ${takenAt.slice(0, 10)} with Node ${node} (OpenSSL ${openssl}) on ${platform}, ${cores} cores of ${processor},`,
    `${memoryGb} GB. ${effort.rounds} rounds of ${effort.roundMs / 1_000} s; load average before: ${loadBefore}.`,
    `HTTPS handshakes seen: ${handshakes.join('; ')}.`,
  ].join('\n');
}

function tablesOf({ series, steps, memory, bundles, updates }: Results): Table[] {
  const loads = WORKLOADS.map(({ name }) =>
    loadTable(
      name,
      series.filter(({ workload }) => workload === name),
    ),
  );
  const ratios = [
    ratioTable('Ours divided by bare', AGAINST_BARE, series),
    addedTable(series),
    ratioTable('Ours without guard divided by go-spiffe', AGAINST_GO_SPIFFE, series),
  ];
  const others = [memoryTable(memory), stepTable(steps), bundleTable(bundles), updateTable(updates)];
  // Where there was no go-spiffe, there is nothing to divide by.
  return [...ratios, ...loads, ...others].filter(({ rows }) => rows.length > 0);
}

/** What the run is for. Above 1 is faster in the first column of figures, and slower or dearer in all others. */
function ratioTable(title: string, comparisons: readonly Comparison[], series: readonly Series[]): Table {
  const rows = WORKLOADS.flatMap(({ name: workload }) =>
    comparisons.flatMap(({ name, figure, baseline }) => {
      const rounds = roundsOf(series, figure, workload);
      const base = roundsOf(series, baseline, workload);
      if (rounds === undefined || base === undefined) return [];
      return [
        [`${name}, ${workload}`, ...COLUMNS.map(({ of }) => ratioText(pairedRatios(rounds.map(of), base.map(of))))],
      ];
    }),
  );
  return { title: `${title}: median of the rounds (least to most)`, head: HEAD, rows };
}

/** What each layer adds to the one before, in CPU time of a request: differences of figures of the same round. */
function addedTable(series: readonly Series[]): Table {
  const cpuUs = ({ clientCpu, serverCpu }: RoundFigures): readonly [number, number] => [
    clientCpu * US_PER_REQUEST,
    serverCpu * US_PER_REQUEST,
  ];
  const rows = WORKLOADS.filter(({ newConnections }) => !newConnections).flatMap(({ name: workload }) =>
    LAYER_BY_LAYER.flatMap(({ name, figure, baseline }) => {
      const [rounds, base] = [roundsOf(series, figure, workload), roundsOf(series, baseline, workload)];
      if (rounds === undefined || base === undefined) return [];
      const added = ([0, 1] as const).map((end) =>
        median(
          rounds.map((round, index) => cpuUs(round)[end] - (base[index] === undefined ? 0 : cpuUs(base[index])[end])),
        ),
      );
      const slower = pairedRatios(
        rounds.map(({ perSecond }) => perSecond),
        base.map(({ perSecond }) => perSecond),
      );
      return [[`${name}, ${workload}`, ...added.map((us) => us.toFixed(0)), ratioText(slower)]];
    }),
  );
  return { title: 'What each layer adds to the one before it', head: ADDED_HEAD, rows };
}

/** Figures are seconds for 10 000 requests. */
const US_PER_REQUEST = 100;
const ADDED_HEAD = ['', 'CPU µs a request, client', 'CPU µs a request, server', 'requests per second, ratio'];

function roundsOf(series: readonly Series[], variant: string, workload: string): readonly RoundFigures[] | undefined {
  return series.find((candidate) => candidate.variant === variant && candidate.workload === workload)?.rounds;
}

function ratioText({ median: middle, min, max }: Spread): string {
  return `${middle.toFixed(2)} (${min.toFixed(2)}-${max.toFixed(2)})`;
}

function loadTable(workload: string, series: readonly Series[]): Table {
  const rows = series.map(({ variant, rounds }) => [
    variant,
    ...COLUMNS.map(({ of, digits }) => median(rounds.map(of)).toFixed(digits)),
  ]);
  return { title: capitalized(workload), head: HEAD, rows };
}

function stepTable(steps: Results['steps']): Table {
  return {
    title: 'Single steps',
    head: ['', 'samples', 'p50 µs', 'p99 µs'],
    rows: steps.map(({ name, samples, p50Us, p99Us }) => [name, `${samples}`, p50Us.toFixed(1), p99Us.toFixed(1)]),
  };
}

function memoryTable(memory: Results['memory']): Table {
  return {
    title: 'Memory of the server process, resident',
    head: ['', 'idle MB', 'after all loads MB'],
    rows: memory.map(({ variant, idleBytes, loadedBytes }) => [variant, megabytes(idleBytes), megabytes(loadedBytes)]),
  };
}

function bundleTable(bundles: Results['bundles']): Table {
  return {
    title: 'Federated bundles: what they cost a workload',
    head: ['bundles', 'first message, CPU ms', 'own SVID renewed, CPU ms', 'verdict over a peer, p50 µs', 'heap KB'],
    rows: bundles.map(({ bundles: count, authorities, firstMs, updateMs, verdictUs, heapBytes }) => [
      `${count}${authorities === 1 ? '' : `, ${authorities} certificates each`}`,
      ...[firstMs, updateMs].map((ms) => ms.toFixed(2)),
      verdictUs.toFixed(1),
      (heapBytes / 1024).toFixed(0),
    ]),
  };
}

function updateTable({ updates, medianMs, worstMs, heapEarlyBytes, heapLateBytes }: Results['updates']): Table {
  return {
    title: 'SVID updates in a row, with HTTPS and gRPC servers, clients and open connections',
    head: ['updates', 'CPU ms each', 'in the dearest tenth', 'heap MB after a tenth', 'after all'],
    rows: [
      [
        `${updates}`,
        ...[medianMs, worstMs].map((ms) => ms.toFixed(2)),
        ...[heapEarlyBytes, heapLateBytes].map(megabytes),
      ],
    ],
  };
}

function megabytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(1);
}

function textTable({ title, head, rows }: Table): string {
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string => row.map((cell, column) => pad(cell, column, widths)).join('  ');
  return [title, ...[head, ...rows].map(line)].join('\n');
}

/** Names to the left, figures to the right. */
function pad(cell: string, column: number, widths: readonly number[]): string {
  const width = widths[column] ?? 0;
  return column === 0 ? cell.padEnd(width) : cell.padStart(width);
}

function markdownTable({ title, head, rows }: Table): string {
  const line = (row: readonly string[]): string => `| ${row.join(' | ')} |`;
  const rule = head.map((_, column) => (column === 0 ? '---' : '---:'));
  return [`### ${title}`, '', line(head), line(rule), ...rows.map(line)].join('\n');
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
