/**
 * For tests: a trust domain and a PostgreSQL under it in a temporary directory, and clients with any identity.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { type DevTrustDomain, startDevTrustDomain } from '@countersign/dev-trust-domain';
import { type Identities, loadIdentities } from '@countersign/identities';
import { createWorkloadApiX509Source, fetchX509Context } from '@countersign/spiffe-tls';
import pg from 'pg';
import { createLogWatch, type LogWatch } from '../log-watch.ts';
import { removePostgresLocation } from './location.ts';
import { runPostgresSidecar } from './sidecar.ts';

/** The name under which the sidecar's records are kept. */
export const part = 'postgres';

/** A temporary state directory with a trust domain. */
export interface PostgresGround extends AsyncDisposable {
  readonly stateRoot: string;
  readonly trustDomain: DevTrustDomain;
  readonly identities: Identities;
}

/** Starts the trust domain. */
export async function openGround(): Promise<PostgresGround> {
  // PostgreSQL's account may go through it, when that is another than ours.
  const stateRoot = mkdtempSync(join(tmpdir(), 'cs-pg-'));
  const identities = loadIdentities();
  const trustDomain = await startDevTrustDomain({
    trustDomain: identities.trustDomain,
    runDirectory: join(stateRoot, 'run'),
    registrations: identities.registrations(),
    caSettleMs: 0,
  });
  return {
    stateRoot,
    trustDomain,
    identities,
    async [Symbol.asyncDispose]() {
      await trustDomain.close();
      removePostgresLocation(stateRoot);
      rmSync(stateRoot, { recursive: true, force: true });
    },
  };
}

/** A running sidecar in this process. */
export interface RunningPostgres extends AsyncDisposable {
  readonly port: number;
  readonly logs: LogWatch;
  /** Stops it as the launcher would. */
  stop(): Promise<void>;
}

/** Starts PostgreSQL and waits until it is ready. */
export async function startPostgres({ stateRoot, trustDomain, identities }: PostgresGround): Promise<RunningPostgres> {
  const abort = new AbortController();
  const logs = createLogWatch();
  const running = runPostgresSidecar({
    stateRoot,
    port: 0,
    ownerRole: identities.workload('db-migrate').postgresRole ?? '',
    signal: abort.signal,
    log: (record) => logs.add(part, record),
    async openSource() {
      const source = createWorkloadApiX509Source({ endpoint: trustDomain.socketOf('postgres'), withdrawGraceMs: 0 });
      await source.ready();
      return source;
    },
  });
  const listening = logs.waitFor(part, ({ event }) => event === 'listening', 30_000);
  const ready = logs.waitFor(part, ({ event }) => event === 'ready', 30_000);
  await Promise.race([ready, running]);
  const stop = async () => {
    abort.abort();
    await running;
  };
  return { port: portOf(await listening), logs, stop, [Symbol.asyncDispose]: stop };
}

/** The port in a `listening` record. */
export function portOf(record: Readonly<Record<string, unknown>>): number {
  const { addresses } = record;
  const text =
    typeof addresses === 'object' && addresses !== null && 'postgres' in addresses ? String(addresses.postgres) : '';
  return Number(text.split(':')[1]);
}

/** Who connects as what. */
export interface LoginOptions {
  readonly port: number;
  readonly user: string;
  readonly database?: string;
  /** TLS options; false: plain text. */
  readonly ssl: ConnectionOptions | false;
}

/** An open client. */
export interface Login extends AsyncDisposable {
  readonly client: pg.Client;
  readonly localPort: number;
  /** Serial number of the server's certificate. */
  readonly serverSerial: string;
}

/** TLS options with a workload's present SVID, or with none. */
export async function tlsOf(
  { trustDomain }: PostgresGround,
  workload: string,
  presents = true,
): Promise<ConnectionOptions> {
  const { svid, bundles } = await fetchX509Context({ endpoint: trustDomain.socketOf(workload) });
  const ca = bundles.get(svid.id.trustDomain)?.toPem() ?? '';
  const own = presents ? { cert: svid.certificatePem, key: svid.privateKeyPem() } : {};
  // Who the server is, the adapter's own tests prove; here it is the server that is tested.
  return { ca, ...own, minVersion: 'TLSv1.3', checkServerIdentity: () => undefined };
}

/** Logs in, or throws what PostgreSQL or TLS said. */
export async function logIn({ port, user, database = 'orders', ssl }: LoginOptions): Promise<Login> {
  const client = new pg.Client({
    host: '127.0.0.1',
    port,
    user,
    database,
    ssl,
    ...(ssl === false ? {} : { sslnegotiation: 'direct' }),
  });
  client.on('error', () => {});
  await client.connect();
  const { stream } = (client as unknown as { connection: { stream: TLSSocket } }).connection;
  return {
    client,
    localPort: stream.localPort ?? 0,
    serverSerial: stream.getPeerX509Certificate?.()?.serialNumber ?? '',
    [Symbol.asyncDispose]: () => client.end(),
  };
}
