/**
 * What one cell expects, what was seen, and the judgement. A cell passes on facts alone: the answer on the wire must be
 * exactly the expected one, and the server's own record must be there and say the expected reason.
 */
import type { LogRecord } from '@countersign/local-stack';

/** How our attempt looked from our end. */
export interface Seen {
  /** In a fixed form that expectations are compared with: `HTTP 403 POLICY_DENIED`, `gRPC OK`, `closed`, `PostgreSQL 28000`. */
  readonly wire: string;
  /** Whatever else helps a reader of the report. */
  readonly detail?: string;
  /** Our end's port, by which the server's record of a connection is found. */
  readonly port?: number;
  /** The trace that we sent along, by which the server's records of a request are found. */
  readonly traceId?: string;
  /** By `performance.now()`, for an attempt that was made before its cell. */
  readonly since?: number;
}

/** The record that the server must have written. */
export interface ExpectedRecord {
  /** Which program's log. */
  readonly program: LogProgram;
  readonly event: 'refused' | 'verified' | 'decision' | 'request' | 'authenticated';
  /** Field, with dots for nested ones, and its value as text. */
  readonly fields: Readonly<Record<string, string>>;
}

/** Whose log is read. */
export type LogProgram = 'backend' | 'db-client' | 'postgres' | 'echo' | 'customer';

/** What a cell must give. */
export interface Expected {
  /** `in`: the call is served; `no`: it is refused, or what is attacked is not there. `limit`: served, though it should not be: a limit that the threat model names. */
  readonly verdict: 'in' | 'no' | 'limit';
  /** The proper reason, in one word or code. */
  readonly reason: string;
  readonly wire: string;
  /** Records of the server. Empty only where the protocol's own parser answers before anything of ours runs. */
  readonly records: readonly ExpectedRecord[];
}

/** A record that was looked for. */
export interface FoundRecord {
  readonly expected: ExpectedRecord;
  readonly record: LogRecord | undefined;
}

/** Pure: everything that is not as it must be. Empty means that the cell passes. */
export function findProblems(expected: Expected, seen: Seen, found: readonly FoundRecord[]): string[] {
  const wire = seen.wire === expected.wire ? [] : [`wire: expected "${expected.wire}", got "${seen.wire}"`];
  if (found.length !== expected.records.length) return [...wire, 'not every record was looked for'];
  return [...wire, ...found.flatMap(problemsOfRecord)];
}

function problemsOfRecord({ expected: { program, event, fields }, record }: FoundRecord): string[] {
  if (record === undefined) return [`log: ${program} wrote no "${event}" record of this attempt`];
  return Object.entries(fields).flatMap(([name, value]) => {
    const got = textAt(record, name);
    return got === value ? [] : [`log: ${program}, ${event}.${name}: expected "${value}", got "${got ?? 'nothing'}"`];
  });
}

/** A field of a record by its path; `undefined` when it is not there. */
export function textAt(record: LogRecord, path: string): string | undefined {
  let value: unknown = record;
  for (const name of path.split('.')) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = new Map<string, unknown>(Object.entries(value)).get(name);
  }
  if (value === undefined || value === null) return undefined;
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
