/**
 * The programs of the system and the environment each gets. The same programs take the same variables on a cluster.
 */
import { fileURLToPath } from 'node:url';
import type { Identities } from '@countersign/identities';
import { loopback, type Ports } from './ports.ts';
import { databaseName } from './postgres/roles.ts';
import type { StateDirectory } from './state-directory.ts';

/** A long-running part of the system. */
export type PartName = 'customer' | 'backend' | 'db-client' | 'postgres' | 'trust-domain' | 'console';

/** Paths of the programs, `db-migrate` being the one that ends. */
export const programs: Readonly<Record<PartName | 'db-migrate', string>> = {
  customer: fromRoot('services/customer/src/main.ts'),
  backend: fromRoot('services/backend/src/main.ts'),
  'db-client': fromRoot('services/db-client/src/main.ts'),
  'db-migrate': fromRoot('services/db-client/src/migrate.ts'),
  postgres: fromRoot('packages/local-stack/src/postgres/main.ts'),
  'trust-domain': fromRoot('packages/dev-trust-domain/src/main.ts'),
  console: fromRoot('services/console/src/main.ts'),
};

function fromRoot(path: string): string {
  return fileURLToPath(new URL(`../../../${path}`, import.meta.url));
}

/** What the environments are derived from. */
export interface EnvironmentInput {
  readonly identities: Identities;
  readonly ports: Ports;
  socketOf(workload: string): string;
  /** Passed to every part: OpenTelemetry, log level, and what a process needs anyway. */
  readonly base: NodeJS.ProcessEnv;
}

/** Variables that the parts inherit. Everything else of the caller's environment stays outside: it may hold secrets, and a test runner's own variables would confuse its grandchildren. */
const inherited =
  /^(PATH|HOME|TMPDIR|TZ|LANG|LC_\w+|NODE_ENV|LOG_LEVEL|POLICY_\w+|NODE_COMPILE_CACHE|NODE_V8_COVERAGE|OTEL_\w+)$/;

/** The part of the caller's environment that is passed on. */
export function inheritedEnv(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => inherited.test(name)));
}

/** What every service gets. */
function serviceEnv(input: EnvironmentInput, workload: string, healthPort: number): NodeJS.ProcessEnv {
  return {
    ...input.base,
    COUNTERSIGN_DEVELOPMENT: '1',
    SPIFFE_ENDPOINT_SOCKET: input.socketOf(workload),
    HEALTH_ADDRESS: at(healthPort),
  };
}

/** A grant that is edited counts at once. Whoever names a policy of their own gets that one, as it is. */
function policyEnv({ base }: EnvironmentInput): NodeJS.ProcessEnv {
  const chosen = Object.keys(base).some((name) => name.startsWith('POLICY_'));
  return chosen ? {} : { POLICY_DATA: fromRoot('policies/data') };
}

/** @param backend where the backend listens */
export function customerEnv(input: EnvironmentInput, backend: { https: string; grpc: string }): NodeJS.ProcessEnv {
  return {
    ...serviceEnv(input, 'customer', input.ports.customerHealth),
    HTTP_ADDRESS: at(input.ports.customerHttp),
    BACKEND_URL: `https://${backend.https}`,
    BACKEND_GRPC_ADDRESS: backend.grpc,
    BACKEND_SPIFFE_ID: input.identities.workload('backend').spiffeId,
  };
}

/** @param dbClient where db-client listens */
export function backendEnv(input: EnvironmentInput, dbClient: { grpc: string }): NodeJS.ProcessEnv {
  return {
    ...serviceEnv(input, 'backend', input.ports.backendHealth),
    ...policyEnv(input),
    HTTPS_ADDRESS: at(input.ports.backendHttps),
    GRPC_ADDRESS: at(input.ports.backendGrpc),
    DB_CLIENT_GRPC_ADDRESS: dbClient.grpc,
    DB_CLIENT_SPIFFE_ID: input.identities.workload('db-client').spiffeId,
  };
}

/** @param postgres where PostgreSQL listens */
export function dbClientEnv(input: EnvironmentInput, postgres: string): NodeJS.ProcessEnv {
  return {
    ...serviceEnv(input, 'db-client', input.ports.dbClientHealth),
    ...policyEnv(input),
    GRPC_ADDRESS: at(input.ports.dbClientGrpc),
    ...databaseEnv(input.identities, 'db-client', postgres),
  };
}

/** The one-off program that owns the schema. */
export function dbMigrateEnv(input: EnvironmentInput, postgres: string): NodeJS.ProcessEnv {
  return {
    ...serviceEnv(input, 'db-migrate', 0),
    GRPC_ADDRESS: at(0),
    ...databaseEnv(input.identities, 'db-migrate', postgres),
  };
}

function databaseEnv(identities: Identities, workload: string, postgres: string): NodeJS.ProcessEnv {
  const user = identities.workload(workload).postgresRole;
  return {
    POSTGRES_ADDRESS: postgres,
    POSTGRES_DATABASE: databaseName,
    POSTGRES_SPIFFE_ID: identities.workload('postgres').spiffeId,
    ...(user === undefined ? {} : { POSTGRES_USER: user }),
  };
}

/** The trust domain, with an identity for each workload of `identities.json` and its CA on disk, so that it survives a restart. */
export function trustDomainEnv(
  input: EnvironmentInput,
  state: StateDirectory,
  svidTtlMs: number | undefined,
): NodeJS.ProcessEnv {
  const { trustDomain, namespace } = input.identities;
  return {
    ...input.base,
    TRUST_DOMAIN: trustDomain,
    TRUST_DOMAIN_NAMESPACE: namespace,
    TRUST_DOMAIN_RUN_DIRECTORY: state.run,
    TRUST_DOMAIN_CA_DIRECTORY: state.ca,
    TRUST_DOMAIN_REGISTRATIONS: JSON.stringify(input.identities.registrations()),
    ...(svidTtlMs === undefined ? {} : { TRUST_DOMAIN_SVID_TTL: `${svidTtlMs}ms` }),
  };
}

/** PostgreSQL with its sidecar. */
export function postgresEnv(input: EnvironmentInput, stateRoot: string): NodeJS.ProcessEnv {
  return {
    ...input.base,
    SPIFFE_ENDPOINT_SOCKET: input.socketOf('postgres'),
    COUNTERSIGN_STATE_DIR: stateRoot,
    POSTGRES_PORT: String(input.ports.postgres),
    POSTGRES_OWNER: input.identities.workload('db-migrate').postgresRole,
  };
}

/** The console. It has no identity, and of the user's telemetry settings only what it is to pass on. */
export function consoleEnv(
  { base, ports }: EnvironmentInput,
  { customerUrl, controlSocket }: { readonly customerUrl: string; readonly controlSocket: string },
): NodeJS.ProcessEnv {
  return {
    ...Object.fromEntries(Object.entries(base).filter(([name]) => !name.startsWith('OTEL_'))),
    CONSOLE_ADDRESS: at(ports.consoleHttp),
    OTLP_ADDRESS: at(ports.consoleOtlp),
    CONSOLE_PAGE: fromRoot('services/console/dist/page'),
    STACK_CONTROL_SOCKET: controlSocket,
    CUSTOMER_URL: customerUrl,
  };
}

function at(port: number): string {
  return `${loopback}:${port}`;
}
