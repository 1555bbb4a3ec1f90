/**
 * Runs PostgreSQL under its own X.509-SVID: prepares its files, writes certificate, key and bundle as the source changes
 * and has them reloaded, tells its log as records, and stops it with itself.
 */

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { loadIdentities } from '@countersign/identities';
import type { X509Context, X509Source } from '@countersign/spiffe-tls';
import { LocalStackError } from '../errors.ts';
import { findFreePort, loopback } from '../ports.ts';
import { findPostgresAccount } from './account.ts';
import { preparePostgresBinaries } from './binaries.ts';
import { ensureCluster } from './cluster.ts';
import { setTls, writeConfigFiles, writeForPostgres } from './config-files.ts';
import { openPostgresLocation } from './location.ts';
import { type PostgresServer, startPostgresServer } from './server.ts';
import { stopStalePostmaster } from './stale-postmaster.ts';

/** What the sidecar runs with. */
export interface SidecarOptions {
  readonly stateRoot: string;
  /** 0: any free one. */
  readonly port: number;
  /** The role that owns database and schema. */
  readonly ownerRole: string;
  /** Opens the source of PostgreSQL's own identity, once its files are prepared. */
  openSource(): Promise<X509Source & { close(): void }>;
  /** Takes each record for the log. */
  log(record: Record<string, unknown>): void;
  /** Stops PostgreSQL. */
  readonly signal: AbortSignal;
}

/** Attempts at a free port: between finding and binding one, another program may take it. */
const maxPortAttempts = 5;

/**
 * Runs until told to stop.
 * @throws {LocalStackError} when PostgreSQL can't be prepared or started, or ends on its own.
 */
export async function runPostgresSidecar(options: SidecarOptions): Promise<void> {
  const prepared = await prepare(options);
  const source = await options.openSource();
  let server: PostgresServer | undefined;
  try {
    // Before the first write: an update while the server starts must reach it too.
    follow(source, prepared, () => server?.reload(), options);
    writeCertificate(prepared, source.current());
    server = await startOnPort(prepared, options);
    options.log({ event: 'listening', level: 'info', addresses: { postgres: `${loopback}:${server.port}` } });
    options.log({ event: 'ready', level: 'info' });
    await untilStopped(server, options.signal);
  } finally {
    source.close();
    await server?.stop();
  }
}

type Prepared = Awaited<ReturnType<typeof prepare>>;

async function prepare({ stateRoot, ownerRole, log }: SidecarOptions) {
  const identities = loadIdentities();
  const account = findPostgresAccount();
  const location = openPostgresLocation(stateRoot, account);
  const stale = await stopStalePostmaster(location);
  if (stale !== undefined)
    log({
      event: 'stale',
      level: 'warn',
      message: `stopped a PostgreSQL that a killed run left behind (process ${stale.pid})`,
    });
  const binaries = preparePostgresBinaries(account, location.programs);
  const { created } = await ensureCluster({ binaries, location, account, identities, ownerRole });
  log({ event: 'prepared', level: 'info', created, account: account?.name ?? 'own', directory: location.root });
  return { identities, account, location, binaries };
}

async function startOnPort(prepared: Prepared, options: SidecarOptions): Promise<PostgresServer> {
  const { location, account, identities } = prepared;
  for (let attempt = 1; ; attempt += 1) {
    const port = options.port === 0 ? await findFreePort() : options.port;
    writeConfigFiles({ location, account, identities, port });
    setTls(location, account, true);
    rmSync(join(location.log, 'postgresql.json'), { force: true });
    try {
      return await startPostgresServer({ ...prepared, port, log: options.log, signal: options.signal });
    } catch (error) {
      const taken = error instanceof LocalStackError && error.code === 'PORT_TAKEN';
      if (!taken || options.port !== 0 || attempt === maxPortAttempts) throw error;
    }
  }
}

function follow(source: X509Source, prepared: Prepared, reload: () => void, { log }: SidecarOptions): void {
  source.subscribe((event) => {
    if (event.type === 'update') {
      writeCertificate(prepared, event.context);
      setTls(prepared.location, prepared.account, true);
      reload();
      log({
        event: 'certificate',
        level: 'info',
        serial: event.context.svid.leaf.serialNumber,
        changed: event.changed,
      });
    } else if (event.type === 'withdrawn') {
      // Without TLS no line of pg_hba.conf matches: nobody new gets in, and nothing is presented in a name that is not ours.
      setTls(prepared.location, prepared.account, false);
      rmSync(join(prepared.location.tls, 'server.key'), { force: true });
      reload();
      log({ event: 'withdrawn', level: 'error', code: event.error.code, message: event.error.message });
    } else {
      log({ event: 'source-error', level: 'warn', code: event.error.code, message: event.error.message });
    }
  });
}

/** The server reads all three at a reload, which comes after the last is in place: it never sees a key without its certificate. */
function writeCertificate({ location, account }: Prepared, { svid, bundles }: X509Context): void {
  const own = bundles.get(svid.id.trustDomain);
  if (own === undefined)
    throw new LocalStackError(
      'POSTGRES_FAILED',
      `the source has no bundle for PostgreSQL's own trust domain ${svid.id.trustDomain}`,
    );
  const write = (name: string, text: string) => writeForPostgres(join(location.tls, name), text, account);
  write('server.key', svid.privateKeyPem());
  write('server.crt', svid.certificatePem);
  write('ca.crt', own.toPem());
}

function untilStopped(server: PostgresServer, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    server.exited.then(
      (how) =>
        signal.aborted
          ? resolve()
          : reject(new LocalStackError('POSTGRES_FAILED', `PostgreSQL ended on its own: ${how}`)),
      reject,
    );
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
