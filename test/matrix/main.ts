/**
 * The program behind `npm run matrix`: starts the system, tries every cell, prints the grid and writes the reports. Exit
 * code 0 when each cell passed, 1 when one did not, 2 when nothing could be tried.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { spireFromEnv } from '@countersign/local-stack';
import { type Cell, listCells, selectCells } from './cells.ts';
import { toHtml } from './report-html.ts';
import { toJunit } from './report-junit.ts';
import { describeTerminal } from './report-terminal.ts';
import { type Result, runCells } from './run.ts';
import { type OwnWorld, openWorld } from './world.ts';

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true, default: [] },
    out: { type: 'string', default: `${process.env['COUNTERSIGN_STATE_DIR'] || '.countersign'}/matrix` },
  },
});
const stopping = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => stopping.abort(new Error('matrix: stopped')));

try {
  const cells = selectCells(listCells(), values.only);
  if (cells.length === 0)
    throw new Error(`matrix: no cell has "${values.only.join('" and "')}" in its caller, way or attack`);
  const result = await attack(cells);
  writeReports(values.out, result);
  console.log(describeTerminal(result, process.stdout.isTTY === true && process.env['NO_COLOR'] === undefined));
  process.exitCode = result.verdicts.every(({ problems }) => problems.length === 0) ? 0 : 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 2;
}
// The channel to the script that started us would keep this process alive.
if (process.connected) process.disconnect();

async function attack(cells: readonly Cell<OwnWorld>[]): Promise<Result> {
  const { signal } = stopping;
  await using world = await openWorld({ env: process.env, spire: spireFromEnv(process.env), signal });
  return { provider: world.provider, verdicts: await runCells(world, cells, signal) };
}

function writeReports(folder: string, result: Result): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'matrix.html'), toHtml(result, new Date()));
  writeFileSync(join(folder, 'matrix.xml'), toJunit(result));
  console.log(`${join(folder, 'matrix.html')} and matrix.xml\n`);
}
