/** `postgresql.conf`: what every PostgreSQL of ours has, and how a setting is written. */

/** A setting's value. */
export type SettingValue = string | number;

/** TLS 1.3 alone, nobody by password, and a log of who came and who was refused, never of a statement or a value. */
export const commonServerSettings: Readonly<Record<string, SettingValue>> = {
  unix_socket_directories: '',
  // Nothing in the data folder may override this file.
  allow_alter_system: 'off',
  ssl_min_protocol_version: 'TLSv1.3',
  password_encryption: 'scram-sha-256',
  max_connections: 40,
  shared_buffers: '32MB',
  wal_level: 'minimal',
  max_wal_senders: 0,
  min_wal_size: '32MB',
  max_wal_size: '256MB',
  io_workers: 1,
  jit: 'off',
  timezone: 'UTC',
  authentication_timeout: '10s',
  log_timezone: 'UTC',
  log_connections: 'authentication,authorization',
  log_checkpoints: 'off',
  log_statement: 'none',
  log_min_messages: 'log',
  log_min_error_statement: 'panic',
};

/** The settings as lines of the file. */
export function settingLines(settings: Readonly<Record<string, SettingValue>>): string {
  const lines = Object.entries(settings).map(
    ([name, value]) => `${name} = ${typeof value === 'number' ? value : quoteSetting(value)}\n`,
  );
  return lines.join('');
}

/** A text as `postgresql.conf` has it. */
export function quoteSetting(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}
