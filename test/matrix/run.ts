/**
 * Runs cells against a world and judges each.
 */
import type { Provider } from '../prove/trust.ts';
import type { Cell, CellName } from './cells.ts';
import { type Expected, type FoundRecord, findProblems, type Seen } from './outcome.ts';
import { runPool } from './pool.ts';
import type { World } from './world.ts';

/** What became of a cell. */
export interface Verdict {
  readonly cell: CellName;
  readonly expected: Expected;
  readonly seen: Seen;
  readonly found: readonly FoundRecord[];
  readonly problems: readonly string[];
  readonly durationMs: number;
}

/** A run. */
export interface Result {
  /** Whose identities were attacked. */
  readonly provider: Provider;
  readonly verdicts: readonly Verdict[];
}

/** How {@link Seen.wire} begins of an attempt that could not be made. */
export const NOT_TRIED = 'not tried: ';
/** How many attempts are under way at a time. */
const WIDTH = 8;
/** A record is written when the call is refused or decided; it takes this long at most to reach us. */
const RECORD_MS = 3_000;

/**
 * Runs them all, a few at a time; those that change the system after all others.
 * @param signal begins no more cells, and rejects
 */
export async function runCells<W extends World>(
  world: W,
  cells: readonly Cell<W>[],
  signal?: AbortSignal,
): Promise<Verdict[]> {
  const run = async (cell: Cell<W>) => {
    signal?.throwIfAborted();
    return await runCell(world, cell);
  };
  const verdicts = await runPool(
    cells.filter(({ last }) => last !== true),
    WIDTH,
    run,
  );
  return [
    ...verdicts,
    ...(await runPool(
      cells.filter(({ last }) => last === true),
      1,
      run,
    )),
  ];
}

/** Runs one. Never rejects: an attempt that could not be made is no pass. */
export async function runCell<W extends World>(world: W, cell: Cell<W>, recordMs = RECORD_MS): Promise<Verdict> {
  const started = performance.now();
  const expected = typeof cell.expected === 'function' ? cell.expected(world) : cell.expected;
  const seen = await cell.run(world).catch((error: unknown): Seen => ({ wire: `${NOT_TRIED}${String(error)}` }));
  const found = await Promise.all(
    expected.records.map(async (record) => ({
      expected: record,
      record: await world.records.find(record, seen, seen.since ?? started, recordMs),
    })),
  );
  const problems = findProblems(expected, seen, found);
  return { cell, expected, seen, found, problems, durationMs: performance.now() - started };
}
