/**
 * Makes the attempts one by one, finds the refusing service's record of each, and judges whether it was refused for its
 * proper reason.
 */
import { join } from 'node:path';
import { followFile } from '../follow-file.ts';
import { createLogWatch, type LogWatch } from '../log-watch.ts';
import type { LogRecord } from '../part.ts';
import type { Attempt } from './attempts.ts';
import type { Observation } from './ways.ts';

/** What became of one attempt. */
export interface Verdict {
  readonly attempt: Attempt;
  readonly observation: Observation;
  /** The refusing service's record, if there is one. */
  readonly record: LogRecord | undefined;
  /** Why this is no proper refusal; empty when it is one. */
  readonly problems: readonly string[];
}

/** A record is written when the connection is refused; this long is waited for it to be read. */
const recordTimeoutMs = 5_000;

/**
 * @param logs folder of the services' logs
 * @param onVerdict called after each attempt
 */
export async function judgeAll(
  attempts: readonly Attempt[],
  logs: string,
  onVerdict: (verdict: Verdict) => void,
): Promise<Verdict[]> {
  const watch = createLogWatch();
  const followed = [...new Set(attempts.map(({ refusedBy }) => refusedBy))].map((name) =>
    followFile({ path: join(logs, `${name}.log`), fromEnd: true, onLine: (line) => add(watch, name, line) }),
  );
  try {
    const verdicts: Verdict[] = [];
    for (const attempt of attempts) {
      const verdict = await judge(attempt, watch);
      verdicts.push(verdict);
      onVerdict(verdict);
    }
    return verdicts;
  } finally {
    for (const file of followed) file.close();
  }
}

async function judge(attempt: Attempt, watch: LogWatch): Promise<Verdict> {
  const observation = await attempt.run();
  const record = await watch
    .waitFor(attempt.refusedBy, (line) => attempt.isAbout(line, observation), recordTimeoutMs)
    .catch(() => undefined);
  return { attempt, observation, record, problems: findProblems(attempt, observation, record) };
}

/** Pure: what is wrong with the outcome of an attempt. */
export function findProblems(
  attempt: Pick<Attempt, 'refusedBy' | 'reason'>,
  observation: Observation,
  record: LogRecord | undefined,
): string[] {
  const problems = observation.letIn ? [`it was let in: ${observation.saw}`] : [];
  if (record === undefined) return [...problems, `${attempt.refusedBy} wrote no record of refusing it`];
  for (const [field, expected] of Object.entries(attempt.reason)) {
    const got = String(record[field]);
    if (got !== expected) problems.push(`${field} must be ${expected}, got ${got}`);
  }
  return problems;
}

function add(watch: LogWatch, name: string, line: string): void {
  try {
    const record: unknown = JSON.parse(line);
    if (typeof record === 'object' && record !== null) watch.add(name, Object.fromEntries(Object.entries(record)));
  } catch {
    // Not a record: nothing that could prove a refusal.
  }
}
