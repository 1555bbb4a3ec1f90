/**
 * What `npm run rogue` prints: each attempt with what the intruder saw and what the refusing service wrote down.
 */
import type { LogRecord } from '../part.ts';
import type { Verdict } from './judge.ts';

/** One attempt, in a few lines. */
export function describeVerdict({ attempt, observation, record, problems }: Verdict): string {
  const lines = [
    `${problems.length === 0 ? 'refused ' : 'PROBLEM '} ${attempt.name}`,
    `    it saw    ${observation.saw}`,
    ...(record === undefined ? [] : describeRecord(attempt.refusedBy, record)),
    ...problems.map((problem) => `    wrong     ${problem}`),
  ];
  return lines.join('\n');
}

/** The last line: how many of how many. */
export function describeAll(verdicts: readonly Verdict[]): string {
  const refused = verdicts.filter(({ problems }) => problems.length === 0).length;
  const all =
    refused === verdicts.length
      ? 'each for its proper reason'
      : `${verdicts.length - refused} not as they should be, see "wrong" above`;
  return `${refused} of ${verdicts.length} refused, ${all}`;
}

/** What the refusing service wrote down about it, a row each. */
export function describeRecord(service: string, record: LogRecord): string[] {
  const text = (name: string): string | undefined => {
    const value = record[name];
    return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
  };
  // The rule of an authorizer is what it expected, and that has its own row.
  const rule = text('rule')?.includes(text('expected') ?? '\0') ? undefined : text('rule');
  const why = [text('code') ?? text('decision'), rule, text('reason')].filter((part) => part !== undefined);
  const rows: [string, string | undefined][] = [
    [service.padEnd(9), why.join(' · ')],
    ['expected', text('expected')],
    ['got', text('got') ?? text('peer')],
    ['port', record['event'] === 'refused' ? String(portOf(record['remote'])) : undefined],
    ['decision', text('decision_id')],
    ['remedy', text('remedy')],
  ];
  return rows.flatMap(([label, value]) => (value === undefined ? [] : [`    ${label.padEnd(9)} ${value}`]));
}

function portOf(remote: unknown): unknown {
  return typeof remote === 'object' && remote !== null && 'port' in remote ? remote.port : undefined;
}
