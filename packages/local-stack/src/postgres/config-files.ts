/**
 * PostgreSQL's configuration: TLS 1.3 with client certificates as the only way in, and nobody but the roles of
 * `identities.json`. The superuser has no way in at all: no Unix socket, no line in `pg_hba.conf`.
 */
import { chownSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Identities } from '@countersign/identities';
import { loopback } from '../ports.ts';
import type { PostgresAccount } from './account.ts';
import type { PostgresLocation } from './location.ts';
import { mapName, pgHbaConf, rolesOf } from './roles.ts';
import { commonServerSettings, quoteSetting, type SettingValue, settingLines } from './server-settings.ts';

/** What the files are written from. */
export interface PostgresSettings {
  readonly location: PostgresLocation;
  readonly account: PostgresAccount | undefined;
  readonly identities: Identities;
  readonly port: number;
}

/** Writes `postgresql.conf`, `pg_hba.conf` and `pg_ident.conf`; TLS is off until there is a certificate. */
export function writeConfigFiles(settings: PostgresSettings): void {
  const { location, account, identities } = settings;
  const write = (name: string, text: string) => writeForPostgres(join(location.conf, name), text, account);
  write('postgresql.conf', postgresqlConf(settings));
  write('pg_hba.conf', pgHbaConf(rolesOf(identities)));
  write('pg_ident.conf', identities.pgIdentLines(mapName));
  setTls(location, account, false);
}

/** Switches TLS, and with it every way in, on or off; takes effect at the next reload. Open connections stay. */
export function setTls(location: PostgresLocation, account: PostgresAccount | undefined, on: boolean): void {
  writeForPostgres(join(location.conf, 'tls.conf'), `ssl = ${on ? 'on' : 'off'}\n`, account);
}

/** Replaces a file in one step: ours to write, for PostgreSQL's account to read, for nobody else. */
export function writeForPostgres(path: string, text: string, account: PostgresAccount | undefined): void {
  const fresh = `${path}.new`;
  // PostgreSQL takes a private key that is root's with 0640, or its own with 0600.
  writeFileSync(fresh, text, { mode: account === undefined ? 0o600 : 0o640 });
  if (account !== undefined) chownSync(fresh, 0, account.gid);
  renameSync(fresh, path);
}

function postgresqlConf({ location, port }: PostgresSettings): string {
  const settings: Record<string, SettingValue> = {
    ...commonServerSettings,
    data_directory: location.data,
    hba_file: join(location.conf, 'pg_hba.conf'),
    ident_file: join(location.conf, 'pg_ident.conf'),
    listen_addresses: loopback,
    port,
    ssl_cert_file: join(location.tls, 'server.crt'),
    ssl_key_file: join(location.tls, 'server.key'),
    // Own trust domain alone: PostgreSQL sees a CN and can't tell which domain's CA vouched for it.
    ssl_ca_file: join(location.tls, 'ca.crt'),
    // JSON, so that no user name can forge a line.
    log_destination: 'jsonlog',
    logging_collector: 'on',
    log_directory: location.log,
    log_filename: 'postgresql.log',
    log_rotation_age: 0,
    log_rotation_size: 0,
  };
  return `${settingLines(settings)}include = ${quoteSetting(join(location.conf, 'tls.conf'))}\n`;
}
