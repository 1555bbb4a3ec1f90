/**
 * The calls that workloads made, and those that are open: what a test looks at to see how a client behaves, and ends to
 * see what it does then.
 */
import { type Metadata, status } from '@grpc/grpc-js';
import type { StatusName } from './faults.ts';

/** A call as the trust domain saw it. */
export interface CallRecord {
  /** When it began, ISO 8601. */
  readonly at: string;
  readonly workload: string;
  /** By its name on the wire: `FetchX509SVID`. */
  readonly method: string;
  /** As it was received; binary values in base64. */
  readonly metadata: Readonly<Record<string, readonly string[]>>;
  /** How it ended: a status, `CANCELLED` when the client went. Missing while it is open. */
  readonly status?: StatusName;
}

/** Which calls are meant. */
export interface CallFilter {
  /** Default: of every workload. */
  readonly workload?: string;
  /** Default: every method. */
  readonly method?: string;
}

/** A call that is open. */
export interface OpenCall {
  /** Notes how it ended; only the first time counts. */
  ended(code: status): void;
}

type Mutable<Record> = { -readonly [Field in keyof Record]: Record[Field] };
type EndCall = (code: status, details: string) => void;

/** A loop that calls without pause must not fill the memory. */
const MAX_RECORDS = 1000;

/** The log of calls. */
export class Calls {
  #records: Mutable<CallRecord>[] = [];
  readonly #open = new Map<CallRecord, EndCall>();

  /** Notes a call that begins. */
  begin(call: { workload: string; method: string; metadata: Metadata; atMs: number }, end: EndCall): OpenCall {
    const { workload, method, metadata, atMs } = call;
    const record: Mutable<CallRecord> = {
      at: new Date(atMs).toISOString(),
      workload,
      method,
      metadata: toRecord(metadata),
    };
    this.#records = [...this.#records.slice(1 - MAX_RECORDS), record];
    this.#open.set(record, end);
    return {
      ended: (code) => {
        if (this.#open.delete(record)) record.status = nameOf(code);
      },
    };
  }

  /** The last thousand, the oldest first. */
  list(filter: CallFilter): CallRecord[] {
    return this.#records.filter((record) => fits(record, filter)).map((record) => ({ ...record }));
  }

  /** Ends calls that are open; returns how many. */
  end(filter: CallFilter, code: status, details: string): number {
    const ending = [...this.#open].filter(([record]) => fits(record, filter));
    for (const [, end] of ending) end(code, details);
    return ending.length;
  }
}

function fits(record: CallRecord, { workload, method }: CallFilter): boolean {
  return (workload === undefined || record.workload === workload) && (method === undefined || record.method === method);
}

function nameOf(code: status): StatusName {
  const found = Object.entries(status).find(([, value]) => value === code);
  return (found?.[0] ?? 'UNKNOWN') as StatusName;
}

function toRecord(metadata: Metadata): Record<string, string[]> {
  const keys = Object.keys(metadata.getMap());
  return Object.fromEntries(
    keys.map((key) => [
      key,
      metadata.get(key).map((value) => (typeof value === 'string' ? value : value.toString('base64'))),
    ]),
  );
}
