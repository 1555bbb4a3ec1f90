/**
 * The database's files: made once, by `initdb` and then by the server's single-user mode, which needs no login. Roles and
 * the database exist before anybody can connect, and no superuser ever has to.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Identities } from '@countersign/identities';
import { LocalStackError, messageOf } from '../errors.ts';
import { asAccount, type PostgresAccount } from './account.ts';
import type { PostgresBinaries } from './binaries.ts';
import { writeForPostgres } from './config-files.ts';
import { makeAccountDirectory, type PostgresLocation } from './location.ts';
import { createDatabaseSql, initdbOptions, rolesOf, rolesSql, singleUserOptions } from './roles.ts';

/** What a cluster is made with. */
export interface ClusterOptions {
  readonly binaries: PostgresBinaries;
  readonly location: PostgresLocation;
  readonly account: PostgresAccount | undefined;
  readonly identities: Identities;
  /** The role that owns the database and its schema. */
  readonly ownerRole: string;
}

/**
 * Makes the database's files if there are none, and brings roles into line with `identities.json`. Only while the server is
 * stopped.
 * @throws {LocalStackError} `POSTGRES_FAILED` with what PostgreSQL said.
 */
export async function ensureCluster(options: ClusterOptions): Promise<{ created: boolean }> {
  const { location } = options;
  const created = !existsSync(join(location.data, 'PG_VERSION'));
  const sql = rolesSql(rolesOf(options.identities), options.ownerRole);
  const marker = join(location.conf, 'roles.sha256');
  const wanted = `${createHash('sha256').update(sql).digest('hex')}\n`;
  if (created) await createCluster(options, sql);
  else if (!existsSync(marker) || readFileSync(marker, 'utf8') !== wanted)
    await runSingleUser(options, location.data, sql);
  writeForPostgres(marker, wanted, options.account);
  return { created };
}

/** Made aside and renamed when whole: an interrupted first start leaves nothing that looks like a database. */
async function createCluster(options: ClusterOptions, sql: string): Promise<void> {
  const { binaries, location, account } = options;
  const fresh = `${location.data}.new`;
  rmSync(fresh, { recursive: true, force: true });
  makeAccountDirectory(fresh, account);
  await run(binaries.initdb, ['-D', fresh, ...initdbOptions], account);
  await runSingleUser(options, fresh, `${createDatabaseSql()}${sql}`);
  rmSync(location.data, { recursive: true, force: true });
  renameSync(fresh, location.data);
}

async function runSingleUser({ binaries, account }: ClusterOptions, data: string, sql: string): Promise<void> {
  await run(binaries.postgres, ['--single', '-D', data, '-j', ...singleUserOptions], account, sql);
}

function run(
  program: string,
  args: readonly string[],
  account: PostgresAccount | undefined,
  input = '',
): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      ...asAccount(account),
      cwd: '/',
      env: { LC_ALL: 'C', PATH: '/usr/bin:/bin', TZ: 'UTC' },
      stdio: ['pipe', 'ignore', 'pipe'],
    });
    const said: Buffer[] = [];
    child.stderr.on('data', (chunk: Buffer) => said.push(chunk));
    child.on('error', (cause) => reject(failure(program, explainSpawn(cause), cause)));
    child.on('close', (code, signal) => {
      if (code === 0) resolve();
      else
        reject(
          failure(
            program,
            `${signal ?? `exit code ${code}`}: ${Buffer.concat(said).toString('utf8').trim().slice(-2000)}`,
          ),
        );
    });
    // A program that ends early closes its input; what it said and its exit code tell more than EPIPE.
    child.stdin.on('error', () => {});
    child.stdin.end(input);
  });
}

function failure(program: string, why: string, cause?: unknown): LocalStackError {
  return new LocalStackError('POSTGRES_FAILED', `${program} failed: ${why}`, { cause });
}

/** The kernel says ENOENT for a program that is there when its loader is not: a musl system. */
export function explainSpawn(error: unknown): string {
  const message = messageOf(error);
  return message.includes('ENOENT')
    ? `${message}; the npm package's programs need glibc: Alpine and other musl systems can't run them`
    : message;
}
