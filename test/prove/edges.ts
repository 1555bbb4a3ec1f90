/** Serial numbers on the wire, edge by edge, as the services' own logs tell of them while they run. */
import type { LogRecord, ProgramName } from '@countersign/local-stack';
import type { Lab } from './lab.ts';

/** Serials of both ends of one edge: the first and the latest seen, and how many each end has shown. */
export interface EdgeSerials {
  readonly first: readonly [client: string, server: string];
  latest: readonly [client: string, server: string];
  readonly clients: Set<string>;
  readonly servers: Set<string>;
}

/** Watches all edges. */
export interface EdgeWatch {
  readonly edges: ReadonlyMap<string, EdgeSerials>;
  stop(): void;
}

/** Edges of the system by the service that is called; PostgreSQL's are seen by its client. */
export const EDGES: readonly string[] = [
  'customer -> backend by https',
  'customer -> backend by grpc',
  'backend -> db-client by grpc',
  'db-client -> postgres',
];

/** Begins to watch. */
export function watchEdges(lab: Lab): EdgeWatch {
  const edges = new Map<string, EdgeSerials>();
  const nameOf = new Map(lab.system.identities.names().map((name) => [lab.idOf(name), name]));
  const stop = lab.onRecord((program, record) => {
    const seen = serialsIn(program, record, nameOf);
    if (seen === undefined) return;
    const [edge, client, server] = seen;
    const known = edges.get(edge) ?? {
      first: [client, server],
      latest: [client, server],
      clients: new Set<string>(),
      servers: new Set<string>(),
    };
    known.latest = [client, server];
    known.clients.add(client);
    known.servers.add(server);
    edges.set(edge, known);
  });
  return { edges, stop };
}

function serialsIn(
  program: ProgramName,
  record: LogRecord,
  nameOf: ReadonlyMap<string, string>,
): readonly [edge: string, client: string, server: string] | undefined {
  const own = String(record['self_serial'] ?? '');
  const peer = String(record['peer_serial'] ?? '');
  if (own === '' || peer === '') return undefined;
  if (record['event'] === 'verified' && record['transport'] === 'postgres' && program === 'db-client')
    return ['db-client -> postgres', own, peer];
  const caller = nameOf.get(String(record['peer']));
  const isServed = program === 'backend' || program === 'db-client';
  if (record['event'] !== 'request' || !isServed || caller === undefined) return undefined;
  return [`${caller} -> ${program} by ${String(record['transport'])}`, peer, own];
}
