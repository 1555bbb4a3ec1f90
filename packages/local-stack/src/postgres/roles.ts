/**
 * Who may log in to PostgreSQL and as whom, as texts that PostgreSQL reads: the same on one machine and on a cluster.
 */
import type { Identities } from '@countersign/identities';
import { loopback } from '../ports.ts';

/** The database of the orders. */
export const databaseName = 'orders';
/** The superuser that `initdb` makes. It exists, and can't log in. */
export const superuserName = 'postgres';
/** The map in `pg_ident.conf` from certificate to role. */
export const mapName = 'spiffe';

/** What `initdb` is run with: a superuser whom no line lets in, and an order of text that no operating system changes. */
export const initdbOptions: readonly string[] = [
  `--username=${superuserName}`,
  '--encoding=UTF8',
  '--locale=C',
  '--locale-provider=builtin',
  '--builtin-locale=C.UTF-8',
  '--auth-local=reject',
  '--auth-host=reject',
  '--no-instructions',
];

/**
 * What follows `postgres --single -D <data> -j`. It reads the data folder's own postgresql.conf, initdb's: the server's needs
 * certificates that are not there yet. With `-j` a statement ends at a semicolon and an empty line.
 */
export const singleUserOptions: readonly string[] = [
  '-c',
  'exit_on_error=on',
  '-c',
  'log_checkpoints=off',
  '-c',
  'listen_addresses=',
  'template1',
];

/** The roles that may log in, each once. */
export function rolesOf(identities: Identities): string[] {
  const roles = identities.names().flatMap((name) => identities.workload(name).postgresRole ?? []);
  return [...new Set(roles)];
}

/**
 * One line for all roles; whoever asks for another role, another database, or comes without TLS, finds no line.
 * @param from the addresses that may ask, `all` where only certificates and the network's rules tell clients apart
 */
export function pgHbaConf(roles: readonly string[], from = `${loopback}/32`): string {
  if (roles.length === 0) return '';
  // ZERO TRUST: `cert` means TLS with a client certificate that chains to ssl_ca_file and whose CN the map gives to the role.
  return `hostssl "${databaseName}" ${roles.map((role) => `"${role}"`).join(',')} ${from} cert map=${mapName}\n`;
}

/** What a new database needs before {@link rolesSql}. */
export function createDatabaseSql(): string {
  return `CREATE DATABASE "${databaseName}";\n\n`;
}

/** Idempotent. */
export function rolesSql(roles: readonly string[], ownerRole: string): string {
  const names = roles.map((role) => `"${role}"`).join(', ');
  const create = roles.map(
    (role) =>
      `DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '${role}') THEN CREATE ROLE "${role}"; END IF; END $$`,
  );
  const statements = [
    ...create,
    ...roles.map(
      (role) =>
        `ALTER ROLE "${role}" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD NULL`,
    ),
    `ALTER DATABASE "${databaseName}" OWNER TO "${ownerRole}"`,
    `REVOKE ALL ON DATABASE "${databaseName}", template1, postgres FROM PUBLIC`,
    `GRANT CONNECT ON DATABASE "${databaseName}" TO ${names}`,
  ];
  return statements.map((statement) => `${statement};\n\n`).join('');
}
