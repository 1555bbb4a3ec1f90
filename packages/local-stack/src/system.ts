/**
 * The whole system on one machine: trust domain, PostgreSQL, db-client, backend and customer as child processes, started
 * side by side, watched, and stopped in order.
 */
import { createControlClient, type TrustDomainControl } from '@countersign/dev-trust-domain';
import { type Identities, loadIdentities } from '@countersign/identities';
import { chooseConsolePorts, consoleAddresses, consoleRoute, startConsole, watchedEnv } from './console-part.ts';
import { stackControlSocket } from './control/socket-path.ts';
import {
  backendEnv,
  customerEnv,
  dbClientEnv,
  dbMigrateEnv,
  type EnvironmentInput,
  inheritedEnv,
  type PartName,
  postgresEnv,
} from './definitions.ts';
import { LocalStackError } from './errors.ts';
import { createEmbeddedOperator, type IdentityControl } from './identity-control.ts';
import {
  type Account,
  createEmbeddedProvider,
  type IdentityProvider,
  type ProviderInput,
} from './identity-provider.ts';
import { createLogWatch, type RecordPredicate } from './log-watch.ts';
import { ended, type LogRecord, type Part } from './part.ts';
import { assertPortsFree, defaultPorts, freePorts, loopback, type Ports, usedPorts } from './ports.ts';
import { databaseName } from './postgres/roles.ts';
import { acquireRunLock } from './run-lock.ts';
import { openStateDirectory, type StateDirectory } from './state-directory.ts';
import { createSupervisor, type ProgramName, type Supervisor } from './supervisor.ts';
import { portsOf, removeSystemFile, type SystemAddresses, writeSystemFile } from './system-file.ts';
import type { TrustOperator } from './trust-operator.ts';

/** How to start. */
export interface SystemOptions {
  /** Where sockets, logs and database live; made if missing. One running system each. */
  readonly stateDirectory: string;
  /** `free` lets every listener choose; otherwise the defaults, each of which can be replaced. */
  readonly ports?: 'free' | Partial<Ports>;
  /** Whether a console runs beside it, and gets the services' telemetry; default no. */
  readonly console?: boolean;
  /** Life of an SVID in milliseconds; default the trust domain's own. */
  readonly svidTtlMs?: number;
  /** The caller's environment: only what a part needs of it is passed on. Default: a PATH and nothing else. */
  readonly env?: NodeJS.ProcessEnv;
  /** Variables for one program on top of the rest, for tests. */
  readonly programEnv?: Partial<Record<ProgramName, NodeJS.ProcessEnv>>;
  /** Called with each record of each program, as it comes. */
  readonly onRecord?: (program: ProgramName, record: LogRecord) => void;
  /** Called when a program is ready (db-migrate: done). */
  readonly onReady?: (program: ProgramName, where: string) => void;
  /** Ends a start that is under way; afterwards {@link System.stop} stops. */
  readonly signal?: AbortSignal;
}

/** A running system, wherever its identities come from. */
export interface RunningSystem extends AsyncDisposable {
  readonly addresses: SystemAddresses;
  readonly customerUrl: string;
  /** The development page, where there is one. */
  readonly consoleUrl?: string;
  readonly identities: Identities;
  readonly stateDirectory: string;
  readonly postgres: { readonly host: string; readonly port: number; readonly database: string };
  /** Where the stack's control listens, once somebody opened it: `openStackControl`. */
  readonly stackControlSocket: string;
  /** Workload API address of a workload, `unix:///...`. */
  socketOf(workload: string): string;
  /** Who a program runs as; undefined: who runs us. */
  accountOf(name: string): Account | undefined;
  /** Path of a program's log, one JSON record a line. */
  logFile(program: ProgramName): string;
  /** The first record of a program that matches, past or to come; `timeoutMs` is 10 000 by default. */
  waitForLog(program: ProgramName, predicate: RecordPredicate, timeoutMs?: number): Promise<LogRecord>;
  /** Records of a program that match, oldest first; the last 2 000 are kept. */
  findLogs(program: ProgramName, predicate: RecordPredicate): LogRecord[];
  /** Process ID of a part that runs. */
  pidOf(part: PartName): number | undefined;
  /** Stops a part, if it runs, and starts it again at the same addresses; resolves when it is ready. */
  restart(part: PartName): Promise<void>;
  /** Sends a signal, SIGKILL by default. A part that ends of it is waited for and is no failure; the others go on. */
  kill(part: PartName, signal?: NodeJS.Signals): Promise<void>;
  /** Resolves when a part ended on its own. Nothing else is stopped until {@link System.stop} is called. */
  readonly failed: Promise<LocalStackError>;
  /** Stops everything, within 5 s. Idempotent. */
  stop(): Promise<void>;
  /** Kills everything at once, for the second Ctrl-C. */
  killAll(): void;
}

/** A running system with what an operator can do to its identities, the same for every provider of them. */
export interface OperatedSystem extends RunningSystem {
  readonly provider: 'embedded' | 'spire';
  readonly control: IdentityControl;
  readonly trust: TrustOperator;
  /** Whether the CA can be replaced. */
  readonly replacesCa: boolean;
}

/** A running system on the development trust domain. */
export interface System extends OperatedSystem {
  /** The trust domain's control: rotate, register and so on. */
  readonly trustDomain: TrustDomainControl;
}

/** Everything compiles at once and PostgreSQL makes its files: a cold start on a slow machine. */
const startTimeoutMs = 60_000;

/**
 * Starts the system and resolves when an order would be served.
 * @throws {LocalStackError} and leaves nothing running. `PORT_TAKEN` and `ALREADY_RUNNING` come before anything was
 * started; `PART_FAILED` brings the last lines of the part that did not come up.
 * @example
 * await using system = await startSystem({ stateDirectory: '/tmp/state', ports: 'free' });
 * await fetch(`${system.customerUrl}/api/hello?via=grpc`);
 */
export async function startSystem(options: SystemOptions): Promise<System> {
  const { system, provider } = await startOn(options, createEmbeddedProvider);
  const trustDomain = createControlClient(provider.controlSocket);
  const operator = createEmbeddedOperator(trustDomain, system.identities);
  return { ...system, trustDomain, ...operator, provider: 'embedded', replacesCa: true };
}

/**
 * Starts the system on the identities of the provider that is made once the state directory is there and ours alone.
 * @throws {LocalStackError} as {@link startSystem}
 */
export async function startOn<Provider extends IdentityProvider>(
  options: SystemOptions,
  createProvider: (input: ProviderInput) => Provider,
): Promise<{ system: RunningSystem; provider: Provider }> {
  const identities = loadIdentities();
  const ports = options.ports === 'free' ? freePorts : { ...defaultPorts, ...options.ports };
  const state = openStateDirectory(options.stateDirectory, identities.names());
  const lock = acquireRunLock(state.root);
  try {
    const provider = createProvider({ identities, state, svidTtlMs: options.svidTtlMs });
    // What a killed run left behind still has its port: it must go before ports are looked at.
    await provider.stopStale();
    const withConsole = options.console === true;
    await assertPortsFree(usedPorts(ports, withConsole));
    const chosen = withConsole ? await chooseConsolePorts(ports) : ports;
    return {
      system: await start({ options, identities, state, provider, ports: chosen, release: () => lock.release() }),
      provider,
    };
  } catch (error) {
    lock.release();
    throw error;
  }
}

interface Ground {
  readonly options: SystemOptions;
  readonly identities: Identities;
  readonly state: StateDirectory;
  readonly provider: IdentityProvider;
  /** As they are known: what chose its port itself is filled in, so that a restart finds the same. */
  ports: Ports;
  release(): void;
}

async function start(ground: Ground): Promise<RunningSystem> {
  const { options, state, provider } = ground;
  const logs = createLogWatch();
  const supervisor = createSupervisor({
    logs: state.logs,
    provider,
    onRecord(program, record) {
      logs.add(program, record);
      options.onRecord?.(program, record);
    },
  });
  const onAbort = () => supervisor.fail(new LocalStackError('PART_FAILED', 'stopped while it started'));
  options.signal?.addEventListener('abort', onAbort, { once: true });
  if (options.signal?.aborted) onAbort();
  try {
    const addresses = await Promise.race([
      startAll(ground, supervisor),
      supervisor.failed.then((error) => Promise.reject(error)),
    ]);
    return createSystem(ground, supervisor, addresses, logs);
  } catch (error) {
    await supervisor.stop();
    throw error;
  } finally {
    options.signal?.removeEventListener('abort', onAbort);
  }
}

/** Everything at once. Who needs another's address waits for it only when that one chooses its port itself. */
async function startAll(ground: Ground, supervisor: Supervisor): Promise<SystemAddresses> {
  const { ports, identities, provider, options } = ground;
  const launch: Launch = (name, env) => {
    const part = supervisor.launch(name, () => ({
      ...env(environmentInput(ground, name)),
      ...options.programEnv?.[name],
    }));
    return { part, ready: part.event('ready', startTimeoutMs) };
  };
  const trustDomain = launch('trust-domain', provider.env);
  const postgres = launch('postgres', (input) => postgresEnv(input, provider.postgresHome));
  const postgresAt = addressOf(supervisor, 'postgres', 'postgres', ports.postgres);
  const database = startDatabaseClients({ ground, supervisor, launch, postgres, postgresAt });
  const services = startServices({ ground, supervisor, launch, dbClientAt: database.grpc });
  if (options.console) startConsole(ground, launch, services.customerListens());
  const told = async (name: ProgramName, ready: Promise<unknown>, where: Promise<string>) => {
    // Both at once: when a part ends early both fail, and neither may be left unhandled.
    const [address] = await Promise.all([where, ready]);
    options.onReady?.(name, address);
  };
  await Promise.all([
    told('trust-domain', trustDomain.ready, Promise.resolve(identities.trustDomain)),
    told('postgres', postgres.ready, postgresAt),
    told('db-migrate', database.migrated, Promise.resolve(databaseName)),
    told(
      'db-client',
      database.ready,
      database.grpc.then((grpc) => `gRPC ${grpc}`),
    ),
    told(
      'backend',
      services.backendReady,
      services.backendAt.then(({ https, grpc }) => `https ${https}, gRPC ${grpc}`),
    ),
    told(
      'customer',
      services.customerReady,
      services.customerAt.then((http) => `http://${http}`),
    ),
  ]);
  return {
    customer: {
      http: await services.customerAt,
      health: await addressOf(supervisor, 'customer', 'health', ports.customerHealth),
    },
    backend: {
      ...(await services.backendAt),
      health: await addressOf(supervisor, 'backend', 'health', ports.backendHealth),
    },
    dbClient: {
      grpc: await database.grpc,
      health: await addressOf(supervisor, 'db-client', 'health', ports.dbClientHealth),
    },
    postgres: await postgresAt,
    ...(options.console ? { console: consoleAddresses(ports) } : {}),
  };
}

type Launch = (
  name: ProgramName,
  env: (input: EnvironmentInput) => NodeJS.ProcessEnv,
) => { part: Part; ready: Promise<LogRecord> };

interface DatabaseClientsInput {
  readonly ground: Ground;
  readonly supervisor: Supervisor;
  readonly launch: Launch;
  readonly postgres: ReturnType<Launch>;
  readonly postgresAt: Promise<string>;
}

function startDatabaseClients({ ground, supervisor, launch, postgres, postgresAt }: DatabaseClientsInput) {
  // On a first start PostgreSQL makes its files first: db-client would only wait, with a growing pause between attempts.
  const started = postgres.part.event('prepared', startTimeoutMs).then(async () => {
    const at = await postgresAt;
    return launch('db-client', (input) => dbClientEnv(input, at));
  });
  return {
    ready: started.then(({ ready }) => ready),
    grpc: started.then(() => addressOf(supervisor, 'db-client', 'grpc', ground.ports.dbClientGrpc)),
    migrated: postgres.ready.then(async () => {
      const at = await postgresAt;
      const { part, ready } = launch('db-migrate', (input) => dbMigrateEnv(input, at));
      // It ends instead of becoming ready.
      ready.catch(() => {});
      const exit = await part.exited;
      if (exit.code !== 0) throw ended('db-migrate', exit, part.lastLines());
    }),
  };
}

interface ServicesInput {
  readonly ground: Ground;
  readonly supervisor: Supervisor;
  readonly launch: Launch;
  readonly dbClientAt: Promise<string>;
}

function startServices({ ground: { ports }, supervisor, launch, dbClientAt }: ServicesInput) {
  const known = ports.dbClientGrpc === 0 ? dbClientAt : Promise.resolve(`${loopback}:${ports.dbClientGrpc}`);
  const backend = known.then((grpc) => launch('backend', (input) => backendEnv(input, { grpc })));
  const backendAt = backend.then(async () => ({
    https: await addressOf(supervisor, 'backend', 'https', ports.backendHttps),
    grpc: await addressOf(supervisor, 'backend', 'grpc', ports.backendGrpc),
  }));
  const customer = backendAt.then((at) => launch('customer', (input) => customerEnv(input, at)));
  return {
    backendAt,
    backendReady: backend.then(({ ready }) => ready),
    customerAt: customer.then(() => addressOf(supervisor, 'customer', 'http', ports.customerHttp)),
    customerReady: customer.then(({ ready }) => ready),
    async customerListens() {
      await (await customer).part.event('listening', startTimeoutMs);
      return await addressOf(supervisor, 'customer', 'http', ports.customerHttp);
    },
  };
}

function environmentInput(ground: Ground, program: ProgramName): EnvironmentInput {
  const { identities, ports, options, provider } = ground;
  const base = options.env === undefined ? { PATH: '/usr/local/bin:/usr/bin:/bin' } : inheritedEnv(options.env);
  const watched = options.console ? watchedEnv(consoleRoute(ports, options.env ?? {}), program) : {};
  return { identities, ports, base: { ...provider.base(base, program), ...watched }, socketOf: provider.socketOf };
}

/** A port that was set is known before its owner listens; one that was not is in its owner's `listening` record. */
async function addressOf(supervisor: Supervisor, name: PartName, listener: string, port: number): Promise<string> {
  if (port !== 0) return `${loopback}:${port}`;
  const record = await supervisor.part(name)?.event('listening', startTimeoutMs);
  const addresses = record?.['addresses'];
  const found =
    typeof addresses === 'object' && addresses !== null ? new Map(Object.entries(addresses)).get(listener) : undefined;
  if (typeof found !== 'string')
    throw new LocalStackError('PART_FAILED', `${name} did not say where it listens for ${listener}`);
  return found;
}

function createSystem(
  ground: Ground,
  supervisor: Supervisor,
  addresses: SystemAddresses,
  logs: ReturnType<typeof createLogWatch>,
): RunningSystem {
  const { identities, state, provider } = ground;
  ground.ports = portsOf(addresses);
  const customerUrl = `http://${addresses.customer.http}`;
  const sockets = Object.fromEntries(identities.names().map((name) => [name, provider.socketOf(name)]));
  writeSystemFile(state.systemFile, {
    pid: process.pid,
    customerUrl,
    addresses,
    logs: state.logs,
    sockets,
    accounts: accountsOf(identities, provider),
    ...(provider.controlSocket === undefined ? {} : { control: provider.controlSocket }),
    database: databaseName,
  });
  const stop = async () => {
    removeSystemFile(state.systemFile);
    await supervisor.stop();
    ground.release();
  };
  return {
    addresses,
    customerUrl,
    ...(addresses.console === undefined ? {} : { consoleUrl: `http://${addresses.console.http}` }),
    identities,
    stateDirectory: state.root,
    postgres: { host: loopback, port: ground.ports.postgres, database: databaseName },
    stackControlSocket: stackControlSocket(state),
    socketOf: (workload) => provider.socketOf(identities.workload(workload).name),
    accountOf: (name) => provider.accountOf(name),
    logFile: (program) => supervisor.logFile(program),
    waitForLog: (program, predicate, timeoutMs = 10_000) => logs.waitFor(program, predicate, timeoutMs),
    findLogs: logs.find,
    pidOf: (part) => supervisor.part(part)?.pid,
    async restart(part) {
      const fresh = await supervisor.restart(part);
      await fresh.event('ready', startTimeoutMs);
    },
    kill: (part, signal = 'SIGKILL') => supervisor.kill(part, signal),
    failed: supervisor.failed,
    stop,
    killAll: () => supervisor.killAll(),
    [Symbol.asyncDispose]: stop,
  };
}

function accountsOf(identities: Identities, provider: IdentityProvider): Record<string, Account> {
  const found = identities.names().map((name) => [name, provider.accountOf(name)] as const);
  return Object.fromEntries(found.flatMap(([name, account]) => (account === undefined ? [] : [[name, account]])));
}
