/**
 * The grid on a terminal: callers by ways, then attacks by ways. Letters say what colours say, so it reads without them.
 */
import { inspect } from 'node:util';
import { providerInWords } from '../prove/trust.ts';
import type { Result, Verdict } from './run.ts';
import { CALLERS, WAYS } from './table.ts';

const MARKS = { in: 'in', no: 'no', limit: 'li', failed: 'XX', mixed: '::' } as const;
const LABEL = 26;

/** The whole report. */
export function describeTerminal(result: Result, colour: boolean): string {
  const { verdicts } = result;
  const plain = verdicts.filter(({ cell }) => cell.attack === 'none');
  const attacks = [...new Set(verdicts.map(({ cell }) => cell.attack))].filter((name) => name !== 'none');
  const callers = CALLERS.map(({ name }) => name);
  const rows = (names: readonly string[], of: (name: string) => readonly Verdict[]) =>
    names.map((name) => row(name, of(name), colour)).filter((line) => line !== '');
  return [
    ...legend(),
    '',
    heading('caller'),
    ...rows(callers, (name) => plain.filter(({ cell }) => cell.caller === name)),
    '',
    heading('attack'),
    ...rows(attacks, (name) => verdicts.filter(({ cell }) => cell.attack === name)),
    '',
    ...verdicts.filter(({ problems }) => problems.length > 0).map(describeFailure),
    summary(result),
  ].join('\n');
}

function legend(): string[] {
  const ways = WAYS.map(({ name }, index) => `${letter(index)} ${name}`.padEnd(56));
  const pairs = Array.from({ length: Math.ceil(ways.length / 2) }, (_, index) =>
    `${ways[index * 2] ?? ''}${ways[index * 2 + 1] ?? ''}`.trimEnd(),
  );
  return [
    ...pairs,
    '',
    'in: served   no: refused for the proper reason   ::: served or refused by caller, each as it must be'.concat(
      '   li: a known limit   XX: wrong',
    ),
  ];
}

function letter(index: number): string {
  return String.fromCharCode(65 + index);
}

function heading(title: string): string {
  return `${title.padEnd(LABEL)}${WAYS.map((_, index) => ` ${letter(index)} `).join(' ')}`;
}

function row(name: string, verdicts: readonly Verdict[], colour: boolean): string {
  if (verdicts.length === 0) return '';
  const cells = WAYS.map((way) =>
    mark(
      verdicts.filter(({ cell }) => cell.way.name === way.name),
      colour,
    ),
  );
  return `${name.slice(0, LABEL - 1).padEnd(LABEL)}${cells.join('  ')}`;
}

function mark(verdicts: readonly Verdict[], colour: boolean): string {
  if (verdicts.length === 0) return '. ';
  if (verdicts.some(({ problems }) => problems.length > 0)) return paint(MARKS.failed, 'red', colour);
  const kinds = new Set(verdicts.map(({ expected }) => expected.verdict));
  const [kind = 'no'] = kinds;
  return paint(kinds.size > 1 ? MARKS.mixed : MARKS[kind], kind === 'limit' ? 'yellow' : 'green', colour);
}

function paint(text: string, name: 'red' | 'green' | 'yellow', colour: boolean): string {
  const [open = 0, close = 0] = inspect.colors[name] ?? [];
  return colour ? `\u001b[${open}m${text}\u001b[${close}m` : text;
}

function describeFailure({ cell, problems, seen }: Verdict): string {
  const lines = problems.map((problem) => `    ${problem}`);
  const detail = seen.detail === undefined ? [] : [`    ${seen.detail.slice(0, 200).replaceAll(/\s+/g, ' ')}`];
  return [`XX ${cell.caller} | ${cell.way.name} | ${cell.attack}`, ...lines, ...detail].join('\n');
}

/** The last line. */
export function summary({ provider, verdicts }: Result): string {
  const failed = verdicts.filter(({ problems }) => problems.length > 0).length;
  const count = (verdict: string) => verdicts.filter(({ expected }) => expected.verdict === verdict).length;
  const counts = `${count('in')} let in, ${count('no')} refused, ${count('limit')} at a known limit`;
  const all = `${verdicts.length} cells, identities from ${providerInWords(provider)}: ${counts}`;
  return failed === 0 ? `${all}; each for its proper reason` : `${all}; ${failed} WRONG`;
}
