/**
 * What a thief has who copied each workload's SVID and key before an authority was replaced, and what becomes of it on each
 * way in. Keys stay in this process's memory.
 */
import {
  CHAIN_CERTS_HEADER,
  CHAIN_HEADER,
  createChainSigner,
  createChainVerifier,
  type EncodedChain,
} from '@countersign/caller-chain';
import {
  findRunningSystem,
  type LogRecord,
  openWorkloadSocket,
  type PartName,
  type SpireSystem,
} from '@countersign/local-stack';
import {
  createStaticX509Source,
  createWorkloadApiX509Source,
  SpiffeId,
  type X509Context,
  type X509Source,
} from '@countersign/spiffe-tls';
import { tryPostgres } from '../../packages/local-stack/src/rogue/ways.ts';
import { type Answer, callGrpc, callHttps } from '../prove/calls.ts';

const CREATE_ORDER = '/countersign.orders.v1.OrderService/CreateOrder';
const ORDER = { item: 'kept', quantity: 1, customer: 'nobody' };

/** This process as every workload of the system. */
export interface EveryIdentity extends AsyncDisposable {
  /** The identity as the agent gives it now. */
  readonly sources: ReadonlyMap<string, X509Source>;
}

/** Opens them. */
export async function openEveryIdentity({ stateDirectory, identities }: SpireSystem): Promise<EveryIdentity> {
  const running = findRunningSystem(stateDirectory);
  const opened = new AsyncDisposableStack();
  const open = async (name: string) => {
    const socket = opened.use(await openWorkloadSocket(running, name));
    const source = opened.use(createWorkloadApiX509Source({ endpoint: socket.endpoint }));
    await source.ready();
    return [name, source] as const;
  };
  try {
    const sources = new Map(await Promise.all(identities.names().map(open)));
    return { sources, [Symbol.asyncDispose]: () => opened.disposeAsync() };
  } catch (error) {
    await opened.disposeAsync();
    throw error;
  }
}

/** What each workload has now: its SVID with the key, and the bundles. */
export function keepAll({ sources }: EveryIdentity): ReadonlyMap<string, X509Context> {
  return new Map([...sources].map(([name, source]) => [name, source.current()]));
}

/** An SVID that was kept, with the bundles of today: so the server is who refuses. */
export function presenting({ svid }: X509Context, today: X509Source): X509Source {
  return createStaticX509Source({ svid, svids: [svid], bundles: today.current().bundles });
}

/** One try: what was seen, and the log in which its reason is. */
export interface Try {
  readonly way: string;
  readonly log: PartName;
  readonly seen: Answer;
}

/** Tries every way in, one after the other: each is found again by its port. */
export async function tryEveryWay(system: SpireSystem, source: X509Source): Promise<readonly Try[]> {
  const { backendHttps, backendGrpc, dbClient } = targetsOf(system);
  const login = { user: 'orders_rw', database: findRunningSystem(system.stateDirectory).database };
  const { saw, letIn, port = 0 } = await tryPostgres(source, system.addresses.postgres, login);
  return [
    { way: 'https', log: 'backend', seen: await callHttps(source, backendHttps, { path: '/hello' }) },
    { way: 'grpc', log: 'backend', seen: await callGrpc(source, backendGrpc, { method: 'SayHello' }) },
    { way: 'grpc', log: 'db-client', seen: await callGrpc(source, dbClient, { method: 'GetOrder' }) },
    { way: 'postgres', log: 'postgres', seen: { status: letIn ? 'logged in' : 'refused', text: saw, port } },
  ];
}

/** The record by which a server refused a connection. */
export function isRefusalOf({ way, seen }: Try): (record: LogRecord) => boolean {
  return (record) =>
    record['event'] === 'refused' &&
    record['transport'] === way &&
    seen.port !== undefined &&
    new Map(Object.entries(record['remote'] ?? {})).get('port') === seen.port;
}

/** Links signed with keys that were kept, presented by whoever has a good connection. */
export async function tryKeptLinks(
  system: SpireSystem,
  now: ReadonlyMap<string, X509Source>,
  kept: ReadonlyMap<string, X509Context>,
): Promise<Readonly<Record<string, Answer>>> {
  const { backendHttps, backendGrpc, dbClient } = targetsOf(system);
  const [customer, backend] = [entryOf(now, 'customer'), entryOf(now, 'backend')];
  // With the bundles of then: by them the thief continues a chain that nobody would accept any more.
  const oldCustomer = createStaticX509Source(entryOf(kept, 'customer'));
  const oldBackend = createStaticX509Source(entryOf(kept, 'backend'));
  const [backendId, dbClientId] = [SpiffeId.parse(backendHttps.spiffeId), SpiffeId.parse(dbClient.spiffeId)];
  const first = async (act: string) =>
    await createChainSigner({ source: oldCustomer }).sign({ audience: backendId, act });
  const second = async (source: X509Source) => {
    const call = { peerId: oldCustomer.current().svid.id, ownId: backendId, act: CREATE_ORDER };
    const after = createChainVerifier({ source: oldCustomer }).verify(await first(CREATE_ORDER), call);
    return await createChainSigner({ source }).sign({ audience: dbClientId, act: CREATE_ORDER, after });
  };
  const order = { method: 'CreateOrder', request: ORDER } as const;
  const http = { path: '/orders', body: ORDER, headers: headersOf(await first('POST /orders')) };
  return {
    'customer to backend by HTTPS': await callHttps(customer, backendHttps, http),
    'customer to backend by gRPC': await callGrpc(customer, backendGrpc, {
      ...order,
      headers: headersOf(await first(CREATE_ORDER)),
    }),
    'its first link before a new one': await callGrpc(backend, dbClient, {
      ...order,
      headers: headersOf(await second(backend)),
    }),
    'both links': await callGrpc(backend, dbClient, { ...order, headers: headersOf(await second(oldBackend)) }),
  };
}

/** What is kept under a workload's name. */
export function entryOf<T>(all: ReadonlyMap<string, T>, name: string): T {
  const found = all.get(name);
  if (found === undefined) throw new TypeError(`the system has no workload ${name}`);
  return found;
}

function targetsOf({ addresses, identities }: SpireSystem) {
  const backend = identities.workload('backend').spiffeId;
  return {
    backendHttps: { address: addresses.backend.https, spiffeId: backend },
    backendGrpc: { address: addresses.backend.grpc, spiffeId: backend },
    dbClient: { address: addresses.dbClient.grpc, spiffeId: identities.workload('db-client').spiffeId },
  };
}

function headersOf({ chain, certs }: EncodedChain): Record<string, string> {
  return { [CHAIN_HEADER]: chain, [CHAIN_CERTS_HEADER]: certs };
}
