/**
 * The hops of a call, for people who want to see them: development only. Each server answers with the hop that led to it,
 * followed by the hops it made itself; gRPC carries them in the trailing metadata, HTTP in a response header.
 */

import { currentCallRecord } from '@countersign/telemetry';

/** Name of the response header and of the trailing metadata. */
export const HOPS_NAME = 'countersign-hops';

/** One call from a verified caller to a verified server. */
export interface Hop {
  /** SPIFFE ID of the caller, as the server verified it. */
  readonly from: string;
  /** SPIFFE ID of the server. */
  readonly to: string;
  readonly transport: 'http' | 'grpc' | 'postgres';
  /** Route or method. */
  readonly operation: string;
  /** The server's decision. */
  readonly decision?: string | undefined;
  /** Finds the decision in the server's log; of PostgreSQL, which decides by roles, it is the role. */
  readonly decision_id?: string | undefined;
  /** Serial numbers of both SVIDs. */
  readonly from_serial?: string | undefined;
  readonly to_serial?: string | undefined;
}

/** More hops, or longer ones, than this are not hops of ours. */
const MAX_LENGTH = 8_192;

/** The hop that led to the call in progress; `undefined` when an end of it is not known. */
export function hopToHere(): Hop | undefined {
  const record = currentCallRecord();
  if (record?.self === undefined || record.peer === undefined || record.transport === 'http') return undefined;
  return {
    from: record.peer.id,
    to: record.self.id,
    transport: record.transport === 'grpc' ? 'grpc' : 'http',
    operation: record.operation ?? '',
    ...(record.decision && {
      decision: record.decision.allow ? 'allow' : 'deny',
      decision_id: record.decision.decisionId,
    }),
    from_serial: record.peer.serial,
    to_serial: record.self.serial,
  };
}

/** Writes hops as a header value: JSON in ASCII. */
export function encodeHops(hops: readonly Hop[]): string {
  return JSON.stringify(hops).replace(
    /[^\x20-\x7e]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Reads a header value; anything that is not a list of hops gives an empty list, because they only inform. */
export function parseHops(text: string | undefined): Hop[] {
  if (text === undefined || text.length > MAX_LENGTH) return [];
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value.filter(isHop) : [];
  } catch {
    return [];
  }
}

function isHop(value: unknown): value is Hop {
  if (typeof value !== 'object' || value === null) return false;
  return ['from', 'to', 'transport', 'operation'].every((name) => typeof Reflect.get(value, name) === 'string');
}
