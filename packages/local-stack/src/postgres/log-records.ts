/**
 * PostgreSQL's JSON log, told as the records that the services write: `refused` with rule, expected and got, and
 * `authenticated` for who was let in.
 */
import type { Identities } from '@countersign/identities';
import { explainRefusedConnection } from '@countersign/refusals';
import type { RefusalRecord } from '@countersign/spiffe-tls';

/** One line of the sidecar's log. */
export type PostgresLogRecord =
  | ({
      readonly event: 'refused';
      readonly level: 'warn';
      readonly user?: string;
      readonly database?: string;
    } & RefusalRecord)
  | {
      readonly event: 'authenticated';
      readonly level: 'info';
      readonly at: string;
      readonly peer: string;
      readonly user: string;
      readonly database: string;
      readonly remote: Address;
    }
  | { readonly event: 'postgres'; readonly level: 'info' | 'error'; readonly at: string; readonly message: string };

interface Address {
  readonly address: string;
  readonly port: number;
}

/** The fields of `jsonlog` that are read here. */
interface JsonLogLine {
  readonly at: string;
  readonly severity: string;
  readonly message: string;
  readonly detail: string;
  readonly session: string;
  readonly user: string;
  readonly database: string;
  readonly remote: Address | undefined;
}

/** Remembers, for each session, the certificate's name between the lines that tell of it. */
export interface PostgresLogReader {
  /** The record that a line completes, or undefined when it tells nothing on its own. */
  read(line: string): PostgresLogRecord | undefined;
}

/** More sessions than `max_connections` can't be between two of these lines; past that the oldest is forgotten. */
const maxSessions = 256;

/** The common name of the subject, which is all that `pg_ident` goes by; SPIRE's subjects go on with O and C. */
const AUTHENTICATED = /^connection authenticated: identity="CN=([^",+]*)(?:[,+][^"]*)?" method=cert /;

/** Makes a reader. Names are turned into SPIFFE IDs by `identities`: PostgreSQL itself sees a CN and nothing else. */
export function createPostgresLogReader(identities: Identities): PostgresLogReader {
  const certificateNames = new Map<string, string>();
  const idOf = new Map(
    identities.names().map((name) => [identities.workload(name).dnsName, identities.workload(name).spiffeId]),
  );
  const self = identities.workload('postgres').spiffeId;
  return {
    read(text) {
      const line = parseLine(text);
      if (line === undefined) return undefined;
      const authenticated = AUTHENTICATED.exec(line.message)?.[1];
      if (authenticated !== undefined) {
        remember(certificateNames, line.session, authenticated);
        return undefined;
      }
      const peer = certificateNames.get(line.session);
      if (line.message.startsWith('connection authorized: ')) return authorized(line, peer, idOf);
      return refusal(line, { peer, peerId: idOf.get(peer ?? ''), self }) ?? serverLine(line);
    },
  };
}

function remember(names: Map<string, string>, session: string, name: string): void {
  names.set(session, name);
  const oldest = names.keys().next().value;
  if (names.size > maxSessions && oldest !== undefined) names.delete(oldest);
}

function authorized(
  line: JsonLogLine,
  peer: string | undefined,
  idOf: ReadonlyMap<string, string>,
): PostgresLogRecord | undefined {
  if (peer === undefined || line.remote === undefined) return undefined;
  return {
    event: 'authenticated',
    level: 'info',
    at: line.at,
    peer: idOf.get(peer) ?? peer,
    user: line.user,
    database: line.database,
    remote: line.remote,
  };
}

interface Seen {
  readonly peer: string | undefined;
  readonly peerId: string | undefined;
  readonly self: string;
}

function refusal(line: JsonLogLine, seen: Seen): PostgresLogRecord | undefined {
  const why = explain(line, seen);
  if (why === undefined || line.remote === undefined) return undefined;
  return {
    event: 'refused',
    level: 'warn',
    at: line.at,
    role: 'server',
    transport: 'postgres',
    message: line.message,
    self: seen.self,
    remote: line.remote,
    ...why,
    ...explainRefusedConnection({ ...why }),
    ...(seen.peerId === undefined ? {} : { peerId: seen.peerId }),
    ...(line.user === '' ? {} : { user: line.user, database: line.database }),
  };
}

function explain(
  line: JsonLogLine,
  { peer, peerId }: Seen,
): Pick<RefusalRecord, 'code' | 'rule' | 'expected' | 'got'> | undefined {
  const role = `role ${JSON.stringify(line.user)}`;
  if (line.message.startsWith('certificate authentication failed for user ')) {
    const rule = 'postgres: pg_ident gives a role to named identities alone';
    return {
      code: 'PEER_NOT_AUTHORIZED',
      rule,
      expected: `a certificate that pg_ident maps to ${role}`,
      got: peerId ?? peer ?? 'no name in the certificate',
    };
  }
  if (line.message === 'connection requires a valid client certificate') {
    return {
      code: 'NO_PEER_CERTIFICATE',
      rule: 'postgres: hostssl ... cert',
      expected: 'a client certificate',
      got: 'none',
    };
  }
  if (line.message.startsWith('no pg_hba.conf entry for ')) {
    const tls = line.message.endsWith('no encryption') ? 'no TLS' : 'TLS';
    return {
      code: 'PEER_NOT_AUTHORIZED',
      rule: 'postgres: pg_hba has no line for this',
      expected: 'TLS, a role of identities.json and its database',
      got: `${tls}, ${role}, database ${JSON.stringify(line.database)}`,
    };
  }
  if (line.message.startsWith('could not accept SSL connection: ')) {
    return {
      code: sslCode(line),
      rule: "postgres: the client's chain ends in the own trust domain's bundle",
      got: line.detail.split('\n')[0] || line.message,
    };
  }
  return undefined;
}

function sslCode({ message, detail }: JsonLogLine): RefusalRecord['code'] {
  if (detail.includes('certificate has expired')) return 'EXPIRED';
  if (detail.includes('not yet valid')) return 'NOT_YET_VALID';
  return message.includes('certificate verify failed') ? 'UNTRUSTED_CHAIN' : 'NOT_VERIFIED';
}

/** The server's own news. What client sessions log is left out: their messages may quote values. */
function serverLine(line: JsonLogLine): PostgresLogRecord | undefined {
  if (line.remote !== undefined) return undefined;
  return { event: 'postgres', level: line.severity === 'LOG' ? 'info' : 'error', at: line.at, message: line.message };
}

function parseLine(text: string): JsonLogLine | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const fields = new Map<string, unknown>(Object.entries(value));
  const string = (name: string): string => {
    const field = fields.get(name);
    return typeof field === 'string' ? field : '';
  };
  const port = fields.get('remote_port');
  const address = string('remote_host');
  return {
    at: isoTime(string('timestamp')),
    severity: string('error_severity'),
    message: string('message'),
    detail: string('detail'),
    session: string('session_id'),
    user: string('user'),
    database: string('dbname'),
    remote: address !== '' && typeof port === 'number' ? { address, port } : undefined,
  };
}

/** `2026-11-23 01:07:26.213 UTC` as ISO 8601; `log_timezone` is UTC. */
function isoTime(timestamp: string): string {
  return timestamp.replace(/^(\S+) (\S+) (UTC|GMT)$/, '$1T$2Z');
}
