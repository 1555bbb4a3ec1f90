/**
 * Finds a decision's record by its ID in the logs of services: one JSON line a decision, among other lines.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A decision as a log has it. Masks may have taken parts of it away. */
export interface LoggedDecision {
  readonly decisionId: string;
  /** The file it was found in. */
  readonly file: string;
  readonly input?: unknown;
  readonly result?: unknown;
  /** Why nothing was decided. */
  readonly error?: unknown;
  /** Of the policy that decided. */
  readonly revision?: string;
  /** JSON pointers of what masks removed or overwrote. */
  readonly hidden: readonly string[];
}

/** The logs of the system in this state directory, its current ones first; none when it never ran. */
export function logFilesOf(stateDirectory: string): string[] {
  const folder = join(stateDirectory, 'logs');
  try {
    const names = readdirSync(folder).sort();
    return [...names.filter((name) => name.endsWith('.log')), ...names.filter((name) => name.endsWith('.log.1'))].map(
      (name) => join(folder, name),
    );
  } catch {
    return [];
  }
}

/** The record with this ID in the first file that has it. Lines that are no record are passed over. */
export function findDecision(decisionId: string, files: readonly string[]): LoggedDecision | undefined {
  for (const file of files) {
    for (const line of readFileSync(file, 'utf8').split('\n')) {
      // Most lines are others: they are not parsed.
      if (!line.includes(decisionId)) continue;
      const record = objectIn(line);
      // The ID is in access logs too; a decision's record alone says which document was asked for.
      if (record?.['decision_id'] !== decisionId || typeof record['path'] !== 'string') continue;
      if (record['result'] === undefined && record['error'] === undefined) continue;
      return decisionOf(decisionId, file, record);
    }
  }
  return undefined;
}

function decisionOf(decisionId: string, file: string, record: Readonly<Record<string, unknown>>): LoggedDecision {
  const { input, result, error, bundles, erased, masked } = record;
  const [bundle] = isRecord(bundles) ? Object.values(bundles) : [];
  const revision = isRecord(bundle) ? bundle['revision'] : undefined;
  return {
    decisionId,
    file,
    input,
    result,
    error,
    ...(typeof revision === 'string' ? { revision } : {}),
    hidden: [...textsOf(erased), ...textsOf(masked)],
  };
}

/** What no rule reads: a record without it is as good as one with it. */
const UNREAD = ['/input/resource', '/input/time'];

/** Pointers of what a mask took away and the policy was asked with: a decision without it would be another. */
export function hiddenInput({ hidden }: Pick<LoggedDecision, 'hidden'>): readonly string[] {
  return hidden.filter((path) => isBelow(path, '/input') && !UNREAD.some((unread) => isBelow(path, unread)));
}

/** The input to ask again: where a mask went through a part that no rule reads, that part as it may be. */
export function inputToReplay({ input, hidden }: Pick<LoggedDecision, 'input' | 'hidden'>): unknown {
  if (!isRecord(input)) return input;
  const isHidden = (part: string) => hidden.some((path) => isBelow(path, part));
  const { resource, ...rest } = input;
  return {
    ...rest,
    ...(resource === undefined || isHidden('/input/resource') ? {} : { resource }),
    ...(isHidden('/input/time') ? { time: '1970-01-01T00:00:00Z' } : {}),
  };
}

function isBelow(path: string, part: string): boolean {
  return path === part || path.startsWith(`${part}/`);
}

function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

function objectIn(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
