/**
 * The system under attack, with everything that attacks need: its addresses and records, the callers' credentials, an order
 * to ask for, and a trust domain that it federates with.
 */
import { randomBytes } from 'node:crypto';
import type { RunningSystem, SystemAddresses } from '@countersign/local-stack';
import { createTestCa, type TestCa } from '@countersign/testkit';
import { call } from '../integration/json-client.ts';
import { type Provider, untilBundles } from '../prove/trust.ts';
import { type Authority, type AuthorityOptions, openAuthority } from './authority.ts';
import type { RealIssuer } from './ca-key.ts';
import { type Credentials, copyOf, createCredentials, FOREIGN } from './credentials.ts';
import { createEchoPolicy, type Echo, startEcho } from './echo.ts';
import type { Seen } from './outcome.ts';
import { createRecords, type Records } from './records.ts';
import type { Way } from './table.ts';
import { sendHttps, write } from './wire-https.ts';
import type { Material } from './wire-tls.ts';

/** What attacks need, of a system of one's own or of one that somebody runs. */
export interface World {
  readonly records: Records;
  readonly credentials: Credentials;
  readonly database: string;
  /** An order that exists. */
  readonly orderId: string;
  /** The present CA. */
  readonly issuer: RealIssuer;
  idOf(workload: string): string;
  dnsNameOf(workload: string): string;
  /** SPIFFE ID of the server of a way. */
  serverId(way: Pick<Way, 'server'>): string;
  addressOf(way: Pick<Way, 'server' | 'transport'>): string;
}

/** A system of one's own, which attacks may change. */
export interface OwnWorld extends World, AsyncDisposable {
  readonly provider: Provider;
  /** A customer's SVID, copied before its CA left the bundle; it has not ended yet. */
  readonly copiedBefore: Material;
  /** What it was good for while its CA was in the bundle. */
  readonly copyWorked: Seen;
  readonly authority: Authority;
  /** Starts another echo service, with more variables. */
  startEcho(env: NodeJS.ProcessEnv): Promise<Echo>;
}

/** How to start. */
export interface WorldOptions extends Pick<AuthorityOptions, 'spire' | 'signal'> {
  readonly env: NodeJS.ProcessEnv;
  /** More variables for programs of the system, read at each start of one. */
  readonly programEnv?: Record<string, NodeJS.ProcessEnv>;
}

/** The workload that the echo service is: a program that has ended by then. */
const ECHO = 'db-migrate';
const LOUD = { LOG_LEVEL: 'debug' };

/** Starts the system and prepares the callers. */
export async function openWorld({ programEnv = {}, ...options }: WorldOptions): Promise<OwnWorld> {
  await using stack = new AsyncDisposableStack();
  const records = createRecords();
  const authority = await openAuthority({
    ...options,
    programEnv: {
      get backend() {
        return { ...LOUD, ...programEnv['backend'] };
      },
      'db-client': LOUD,
    },
    onRecord: (program, record) => records.add(program, record),
  });
  stack.use(authority);
  const world = await prepare(authority, { records, env: options.env, stack });
  const all = stack.move();
  return { ...world, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

interface Preparing {
  readonly records: Records;
  readonly env: NodeJS.ProcessEnv;
  readonly stack: AsyncDisposableStack;
}

async function prepare(
  authority: Authority,
  { records, env, stack }: Preparing,
): Promise<Omit<OwnWorld, keyof AsyncDisposable>> {
  const { system, trust, socketAs } = authority;
  const { identities } = system;
  const idOf = (workload: string) => identities.workload(workload).spiffeId;
  const federated = await createTestCa({ trustDomain: FOREIGN.federated });
  await federate(authority, federated);
  const oldIssuer = await authority.issuer();
  const copiedBefore = await copyOf(await socketAs('customer'));
  const copyWorked = await tryHello(system, copiedBefore);
  await authority.replaceCa();
  const issuer = await authority.issuer();
  const ground = { workload: identities.workload, socketAs, issuer, oldIssuer, federated };
  const policy = stack.adopt(await createEchoPolicy(idOf(ECHO), idOf), (it) => it.remove());
  const startOne = (more: NodeJS.ProcessEnv = {}) =>
    startEcho({
      endpoint: system.socketOf(ECHO),
      account: authority.accountOf(ECHO),
      bundlePath: policy.path,
      env: { PATH: env['PATH'] ?? '', ...more },
      onRecord: (record) => records.add('echo', record),
    });
  const orderId = await placeOrder(system);
  const echo = stack.adopt(await startOne(), (it) => it.stop());
  return {
    provider: trust.provider,
    records,
    credentials: createCredentials(ground),
    database: system.postgres.database,
    orderId,
    copiedBefore,
    copyWorked,
    issuer,
    authority,
    startEcho: startOne,
    idOf,
    dnsNameOf: (workload) => identities.workload(workload).dnsName,
    serverId: ({ server }) => idOf(server === 'echo' ? ECHO : server),
    addressOf: (way) => (way.server === 'echo' ? echo.address : systemAddress(way, system.addresses)),
  };
}

/** Where a server of the system listens for a way; the echo service is none of it. */
export function systemAddress(
  { server, transport }: Pick<Way, 'server' | 'transport'>,
  { backend, dbClient, postgres }: SystemAddresses,
): string {
  switch (server) {
    case 'backend':
      return transport === 'https' ? backend.https : backend.grpc;
    case 'db-client':
      return dbClient.grpc;
    case 'postgres':
      return postgres;
    case 'echo':
      throw new TypeError('matrix: the system has no echo service');
  }
}

/** The servers get the other domain's bundle, and no grant names anybody of it. */
async function federate({ system, trust }: Authority, other: TestCa): Promise<void> {
  const document = JSON.stringify({ keys: [jwkOf(other)], spiffe_sequence: 1 });
  await untilBundles(system, ['backend', 'db-client'], () =>
    trust.federate(other.trustDomain.name, document, ['backend', 'db-client', ECHO]),
  );
}

function jwkOf({ certificate, der }: TestCa): object {
  const { x509 } = certificate();
  return { ...x509.publicKey.export({ format: 'jwk' }), use: 'x509-svid', x5c: [Buffer.from(der).toString('base64')] };
}

/** `GET /hello`, with a certificate. */
async function tryHello(system: RunningSystem, material: Material): Promise<Seen> {
  const since = performance.now();
  const traceId = randomBytes(16).toString('hex');
  const address = system.addresses.backend.https;
  const headers = [`Host: ${address}`, `traceparent: 00-${traceId}-${traceId.slice(16)}-01`, 'Connection: close'];
  return {
    ...(await sendHttps(address, material, write({ method: 'GET', target: '/hello', headers }))),
    traceId,
    since,
  };
}

/** Places an order, and gives its ID. */
export async function placeOrder({ customerUrl }: Pick<RunningSystem, 'customerUrl'>): Promise<string> {
  const body = { item: 'tea', quantity: 1, customer: 'Ada', via: 'grpc' };
  const answer = await call(`${customerUrl}/api/orders`, { body });
  const id = /"id":"([0-9a-f-]{36})"/.exec(answer.text)?.[1];
  if (id === undefined) throw new Error(`matrix: no order was placed: ${answer.status} ${answer.text}`);
  return id;
}
