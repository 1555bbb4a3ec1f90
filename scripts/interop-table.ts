/**
 * Writes docs/reference/interop.md from the records of a run of `npm run test:peers`, or with `--check` proves that the
 * committed one is what the run saw. Nothing in it is written by hand.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { InteropRecord } from '../test/peers/interop.ts';

const target = fileURLToPath(new URL('../docs/reference/interop.md', import.meta.url));
const [directory, mode] = process.argv.slice(2);
if (directory === undefined) throw new TypeError('usage: interop-table.ts <directory of records> [--check]');

const text = page(readRecords(directory));
if (mode !== '--check') {
  writeFileSync(target, text);
  console.log('interop: docs/reference/interop.md written');
} else if (readFileSync(target, 'utf8') === text) {
  console.log('interop: docs/reference/interop.md is what this run saw');
} else {
  const committed = new Set(readFileSync(target, 'utf8').split('\n'));
  const seen = new Set(text.split('\n'));
  for (const line of seen) if (!committed.has(line)) console.error(`+ ${line}`);
  for (const line of committed) if (!seen.has(line)) console.error(`- ${line}`);
  console.error('interop: docs/reference/interop.md is not what this run saw: npm run test:peers -- --update');
  process.exitCode = 1;
}

function readRecords(from: string): InteropRecord[] {
  return readdirSync(from)
    .flatMap((name) => readFileSync(join(from, name), 'utf8').split('\n'))
    .filter((line) => line !== '')
    .map((line): InteropRecord => JSON.parse(line));
}

function page(records: readonly InteropRecord[]): string {
  const peers = [...Map.groupBy(records, ({ peer }) => `${peer.name} ${peer.version}`)].sort(([a], [b]) =>
    compare(a, b),
  );
  return `# Interoperation

Made by \`npm run test:peers -- --update\` from what its tests saw; CI proves that it is current. Each row is a test that ran
the real program. A refusal shows the reason of the side that refused.

| peer | accepted | refused |
| --- | --- | --- |
${peers.map(([peer, rows]) => `| [${peer}](#${anchor(peer)}) | ${count(rows, 'accept')} | ${count(rows, 'refuse')} |`).join('\n')}

${peers.map(([peer, rows]) => section(peer, rows)).join('\n')}`;
}

function section(peer: string, records: readonly InteropRecord[]): string {
  const rows = records
    .map(({ ours, what, expected, result }) => `| ${[ours, what, expected, result].map(cell).join(' | ')} |`)
    .sort(compare);
  return `## ${peer}

| our side | exchanged | must | seen |
| --- | --- | --- | --- |
${rows.join('\n')}
`;
}

function count(records: readonly InteropRecord[], expected: InteropRecord['expected']): number {
  return records.filter((record) => record.expected === expected).length;
}

function anchor(title: string): string {
  return title
    .toLowerCase()
    .replaceAll(/[^a-z0-9 _-]/g, '')
    .replaceAll(' ', '-');
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
