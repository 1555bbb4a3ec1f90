/**
 * Keeps a run: its figures in `bench/results`, its tables in the reference. Only on demand, because figures of a busy machine
 * are not worth keeping.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { toMarkdown } from './report.ts';
import type { Results } from './results.ts';

const RESULTS_FILE = new URL('../results/latest.json', import.meta.url);
const REFERENCE_FILE = new URL('../../docs/reference/performance.md', import.meta.url);
const BEGIN = '<!-- begin: written by npm run bench -- --save -->';
const END = '<!-- end -->';

export async function saveResults(results: Results): Promise<void> {
  const reference = replaceTables(await readFile(REFERENCE_FILE, 'utf8'), toMarkdown(results));
  await mkdir(new URL('.', RESULTS_FILE), { recursive: true });
  await writeFile(RESULTS_FILE, `${JSON.stringify(results, rounded, 2)}\n`);
  await writeFile(REFERENCE_FILE, reference);
}

function replaceTables(text: string, tables: string): string {
  const begin = text.indexOf(BEGIN);
  const end = text.indexOf(END, begin);
  if (begin < 0 || end < 0) throw new Error(`bench: docs/reference/performance.md must hold ${BEGIN} and ${END}`);
  return `${text.slice(0, begin)}${BEGIN}\n${tables}\n${text.slice(end)}`;
}

/** Six significant digits are more than any clock here has. */
function rounded(_key: string, value: unknown): unknown {
  return typeof value === 'number' ? Number(value.toPrecision(6)) : value;
}
