/** Who may open a connection to whom, as `identities.json` has it: what NetworkPolicies must let through, and no more. */
import { ADDRESSES, identities, idOf } from './names.ts';

/** An edge of the network: a workload's pods, and a port of another's. */
export interface Edge {
  readonly from: string;
  readonly to: string;
  readonly port: number;
}

type Transport = keyof typeof ADDRESSES;

/** Every edge: calls by the transport of their operations, and logins of those with a role. */
export function allowedEdges(): Edge[] {
  const nameOf = new Map(identities.names().map((name) => [idOf(name), name]));
  const workload = (id: string) => nameOf.get(id) ?? id;
  const calls = Object.entries(identities.grants()).flatMap(([called, callers]) =>
    Object.entries(callers).flatMap(([caller, operations]) =>
      transportsOf(Object.keys(operations)).map((transport) => ({
        from: workload(caller),
        to: workload(called),
        port: portOf(workload(called), transport),
      })),
    ),
  );
  const logins = identities
    .names()
    .filter((name) => identities.workload(name).postgresRole !== undefined)
    .map((from) => ({ from, to: 'postgres', port: portOf('postgres', 'postgres') }));
  return [...calls, ...logins];
}

/** The ports that some edge leads to, each once. */
export function servedPorts(): Array<Omit<Edge, 'from'>> {
  const edges = allowedEdges().map(({ to, port }) => [`${to}:${port}`, { to, port }] as const);
  return [...new Map(edges).values()];
}

/** A gRPC operation begins with a slash, an HTTP one with its method. */
function transportsOf(operations: readonly string[]): Transport[] {
  return [...new Set(operations.map((operation) => (operation.startsWith('/') ? 'grpc' : 'https')))];
}

function portOf(called: string, transport: Transport): number {
  const address = new Map<string, string>(Object.entries(ADDRESSES[transport])).get(called);
  if (address === undefined) throw new Error(`edges: ${called} has no address for ${transport}`);
  return Number(address.slice(address.indexOf(':') + 1));
}
