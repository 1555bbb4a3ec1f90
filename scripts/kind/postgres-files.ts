/** The files that PostgreSQL's pod starts with: the same texts as on one machine, with a pod's paths. */
import type { Identities } from '../../packages/identities/src/index.ts';
import {
  createDatabaseSql,
  initdbOptions,
  mapName,
  pgHbaConf,
  rolesOf,
  rolesSql,
  singleUserOptions,
} from '../../packages/local-stack/src/postgres/roles.ts';
import { commonServerSettings, settingLines } from '../../packages/local-stack/src/postgres/server-settings.ts';

/** Where the pod has these files, its volume for data, and what spiffe-helper writes. */
const CONFIGURATION = '/etc/postgresql';
const CERTIFICATES = '/run/spiffe';

/** The workload that owns database and schema. */
const OWNER = 'db-migrate';

/** By file name. */
export function postgresFiles(identities: Identities): Readonly<Record<string, string>> {
  const roles = rolesOf(identities);
  const { postgresRole: owner } = identities.workload(OWNER);
  if (owner === undefined)
    throw new Error(`identities: workloads.${OWNER} must have a postgresRole: it owns the schema`);
  return {
    'postgresql.conf': postgresqlConf(),
    // Pods have any address; which pods may connect is NetworkPolicy's part, who they are their certificates'.
    'pg_hba.conf': pgHbaConf(roles, 'all'),
    'pg_ident.conf': identities.pgIdentLines(mapName),
    'initdb.options': optionLines(initdbOptions),
    'single-user.options': optionLines(singleUserOptions),
    'create.sql': createDatabaseSql(),
    'roles.sql': rolesSql(roles, owner),
  };
}

function postgresqlConf(): string {
  return settingLines({
    ...commonServerSettings,
    data_directory: '/var/lib/postgresql/data',
    hba_file: `${CONFIGURATION}/pg_hba.conf`,
    ident_file: `${CONFIGURATION}/pg_ident.conf`,
    listen_addresses: '*',
    port: 5432,
    // One line, where postmaster.pid has eight: spiffe-helper reads the whole file as a number.
    external_pid_file: '/run/postgresql/postmaster.pid',
    ssl: 'on',
    ssl_cert_file: `${CERTIFICATES}/server.crt`,
    ssl_key_file: `${CERTIFICATES}/server.key`,
    // Own trust domain alone: PostgreSQL sees a CN and can't tell which domain's CA vouched for it.
    ssl_ca_file: `${CERTIFICATES}/ca.crt`,
    // A line break in a user name goes on with a tab, so it can't begin a line that looks like the server's.
    log_destination: 'stderr',
    logging_collector: 'off',
    log_line_prefix: '%m [%p] %q%u@%d %h ',
  });
}

function optionLines(options: readonly string[]): string {
  return options.map((option) => `${option}\n`).join('');
}
