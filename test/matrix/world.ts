/**
 * The system under attack, with everything that attacks need: its addresses and records, the callers' credentials, an order
 * to ask for, and a trust domain that it federates with.
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { type LogRecord, recordsFromNow, type System } from '@countersign/local-stack';
import { createTestCa, type TestCa } from '@countersign/testkit';
import { call } from '../integration/json-client.ts';
import { startTestSystem } from '../integration/test-system.ts';
import { type RealIssuer, readIssuer } from './ca-key.ts';
import { type Credentials, copyOf, createCredentials, FOREIGN } from './credentials.ts';
import { type Echo, startEcho } from './echo.ts';
import { type Seen, textAt } from './outcome.ts';
import { createRecords, type Records } from './records.ts';
import type { Way } from './table.ts';
import { sendHttps, write } from './wire-https.ts';
import type { Material } from './wire-tls.ts';

/** Everything. */
export interface World extends AsyncDisposable {
  readonly records: Records;
  readonly credentials: Credentials;
  readonly database: string;
  /** An order that exists. */
  readonly orderId: string;
  /** A customer's SVID, copied before its CA left the bundle; it has not ended yet. */
  readonly copiedBefore: Material;
  /** What it was good for while its CA was in the bundle. */
  readonly copyWorked: Seen;
  /** The present CA. */
  readonly issuer: RealIssuer;
  readonly system: System;
  /** Starts another echo service, with more variables. */
  startEcho(env: NodeJS.ProcessEnv): Promise<Echo>;
  idOf(workload: string): string;
  /** SPIFFE ID of the server of a way. */
  serverId(way: Pick<Way, 'server'>): string;
  addressOf(way: Pick<Way, 'server' | 'transport'>): string;
}

/** How to start. */
export interface WorldOptions {
  readonly env: NodeJS.ProcessEnv;
  /** More variables for programs of the system, read at each start of one. */
  readonly programEnv?: Record<string, NodeJS.ProcessEnv>;
}

/** The workload that the echo service is: a program that has ended by then. */
const ECHO = 'db-migrate';

/** Starts the system and prepares the callers. */
export async function openWorld({ env, programEnv = {} }: WorldOptions): Promise<World> {
  const records = createRecords();
  const loud = { LOG_LEVEL: 'debug' };
  const system = await startTestSystem({
    env,
    programEnv: {
      get backend() {
        return { ...loud, ...programEnv['backend'] };
      },
      'db-client': loud,
    },
    onRecord: (program, record) => records.add(program, record),
  });
  try {
    return await prepare(system, records, env);
  } catch (error) {
    await system.stop();
    throw error;
  }
}

async function prepare(system: System, records: Records, env: NodeJS.ProcessEnv): Promise<World> {
  const { identities, stateDirectory } = system;
  const socketAs = async (workload: string) => system.socketOf(workload);
  const federated = await createTestCa({ trustDomain: FOREIGN.federated });
  await federate(system, federated);
  const oldIssuer = await readIssuer(stateDirectory);
  const copiedBefore = await copyOf(await socketAs('customer'));
  const copyWorked = await tryHello(system, copiedBefore);
  await replaceCa(system);
  const issuer = await readIssuer(stateDirectory);
  const ground = {
    workload: identities.workload,
    socketAs,
    issuer,
    oldIssuer,
    oldRootPem: oldIssuer.rootPem,
    federated,
  };
  const idOf = (workload: string) => identities.workload(workload).spiffeId;
  const startOne = (more: NodeJS.ProcessEnv = {}) =>
    startEcho({
      endpoint: system.socketOf(ECHO),
      self: idOf(ECHO),
      idOf,
      bundlePath: join(stateDirectory, 'echo-bundle.tar.gz'),
      env: { PATH: env['PATH'] ?? '', ...more },
      onRecord: (record) => records.add('echo', record),
    });
  const orderId = await placeOrder(system);
  // Last: whoever fails above leaves no process behind.
  const echo = await startOne();
  const stop = async () => {
    await echo.stop();
    await system.stop();
  };
  return {
    records,
    credentials: createCredentials(ground),
    database: system.postgres.database,
    orderId,
    copiedBefore,
    copyWorked,
    issuer,
    system,
    startEcho: startOne,
    idOf,
    serverId: ({ server }) => idOf(server === 'echo' ? ECHO : server),
    addressOf: (way) => addressOf(way, system, echo),
    [Symbol.asyncDispose]: stop,
  };
}

function addressOf({ server, transport }: Pick<Way, 'server' | 'transport'>, system: System, echo: Echo): string {
  const { backend, dbClient, postgres } = system.addresses;
  switch (server) {
    case 'backend':
      return transport === 'https' ? backend.https : backend.grpc;
    case 'db-client':
      return dbClient.grpc;
    case 'echo':
      return echo.address;
    case 'postgres':
      return postgres;
  }
}

/** The servers get the other domain's bundle, and no grant names anybody of it. */
async function federate(system: System, other: TestCa): Promise<void> {
  const document = JSON.stringify({ keys: [jwkOf(other)], spiffe_sequence: 1 });
  await system.trustDomain.federate(other.trustDomain.name, document);
  for (const name of ['backend', 'db-client', ECHO]) {
    const registration = system.identities.registrations().find((each) => each.name === name);
    if (registration === undefined) throw new TypeError(`matrix: there is no workload ${name}`);
    await system.trustDomain.register({ ...registration, federatesWith: [other.trustDomain.name] });
  }
}

function jwkOf({ certificate, der }: TestCa): object {
  const { x509 } = certificate();
  return { ...x509.publicKey.export({ format: 'jwk' }), use: 'x509-svid', x5c: [Buffer.from(der).toString('base64')] };
}

/** `GET /hello`, with a certificate. */
async function tryHello(system: System, material: Material): Promise<Seen> {
  const traceId = randomBytes(16).toString('hex');
  const address = system.addresses.backend.https;
  const headers = [`Host: ${address}`, `traceparent: 00-${traceId}-${traceId.slice(16)}-01`, 'Connection: close'];
  return { ...(await sendHttps(address, material, write({ method: 'GET', target: '/hello', headers }))), traceId };
}

/** Replaces the CA; resolves when the old one has left the bundle of everybody who judges by it. */
async function replaceCa(system: System): Promise<void> {
  const [oldRoot] = await system.control.roots();
  await system.trustDomain.rotateCa({ settleMs: 200, dropAfterMs: 1_000 });
  const since = recordsFromNow();
  await Promise.all(
    judges.map(([program, event]) =>
      system.waitForLog(program, (record) => since(record) && record['event'] === event && isDrop(record)),
    ),
  );
  const roots = await system.control.roots();
  if (oldRoot !== undefined && roots.includes(oldRoot)) throw new Error('matrix: the old CA has not left the bundle');
}

/** Those who judge peers by the bundle, and the event that tells of a new one. */
const judges = [
  ['backend', 'identity'],
  ['db-client', 'identity'],
  ['postgres', 'certificate'],
] as const;

/** The bundle alone has changed, as when a root is dropped. */
function isDrop(record: LogRecord): boolean {
  return textAt(record, 'changed.bundles') === 'true' && textAt(record, 'changed.svid') === 'false';
}

async function placeOrder({ customerUrl }: System): Promise<string> {
  const body = { item: 'tea', quantity: 1, customer: 'Ada', via: 'grpc' };
  const answer = await call(`${customerUrl}/api/orders`, { body });
  const id = /"id":"([0-9a-f-]{36})"/.exec(answer.text)?.[1];
  if (id === undefined) throw new Error(`matrix: no order was placed: ${answer.status} ${answer.text}`);
  return id;
}
