/**
 * A user for each workload, so that the agent can tell them apart: the kernel says who opened its socket. Users need no
 * entry in `/etc/passwd`, with one exception: PostgreSQL refuses to run as a user that has none, so its workload has the
 * user of PostgreSQL and is known by a group of its own.
 */
import { accessSync, constants, realpathSync } from 'node:fs';
import type { Identities } from '@countersign/identities';
import { programs } from '../definitions.ts';
import { LocalStackError } from '../errors.ts';
import type { Account } from '../identity-provider.ts';
import { findPostgresAccount, mayRead, type PostgresAccount } from '../postgres/account.ts';

/** The first of the numbers that are used as users and groups; above those that systems give to accounts. */
export const defaultFirstUid = 61_000;

/**
 * User and group of each workload, in the order of `identities.json`, and of the console after them: it has no entry, so the
 * agent gives it no identity, and it is not root.
 * @throws {LocalStackError} `SPIRE_UNAVAILABLE` when we are not root.
 */
export function accountsOf(identities: Identities, firstUid: number = defaultFirstUid): ReadonlyMap<string, Account> {
  const postgres = requireRoot();
  return new Map(
    [...identities.names(), 'console'].map((name, index) => {
      const own = firstUid + index;
      return [name, { uid: name === 'postgres' ? postgres.uid : own, gid: own }];
    }),
  );
}

function requireRoot(): PostgresAccount {
  const postgres = process.platform === 'linux' ? findPostgresAccount() : undefined;
  if (postgres !== undefined) return postgres;
  throw new LocalStackError(
    'SPIRE_UNAVAILABLE',
    'on SPIRE each service runs as a user of its own, which takes root and Linux; run it as root, or npm start without SPIRE',
  );
}

/**
 * What the agent must see of a process to give it an identity: user, group and program, all three. The program is this
 * Node, as the kernel names what a process runs (`/proc/<pid>/exe`): a shell that somebody got as a service's user is nobody.
 */
export function selectorsOf({ uid, gid }: Account, program: string = realpathSync(process.execPath)): SpireSelector[] {
  return [`uid:${uid}`, `gid:${gid}`, `path:${program}`].map((value) => ({ type: 'unix', value }));
}

/** One fact about a process that the agent's attestor must find. */
export interface SpireSelector {
  readonly type: string;
  readonly value: string;
}

/**
 * Asks the kernel whether these users can read what they are to run.
 * @param paths Node and the programs
 * @throws {LocalStackError} `SPIRE_UNAVAILABLE`, and what to do: a checkout under /root is nobody else's to read.
 */
export function assertReadable(
  accounts: ReadonlyMap<string, Account>,
  paths: readonly string[] = [process.execPath, ...Object.values(programs)],
): void {
  for (const [name, account] of accounts) {
    const user: PostgresAccount = { name, ...account };
    const unreadable = paths.find((path) => !mayRead(user, path));
    if (unreadable === undefined) continue;
    throw new LocalStackError(
      'SPIRE_UNAVAILABLE',
      `${name} runs as user ${account.uid}, who can't read ${unreadable}; copy the checkout to a folder that others may enter and read (/opt, /srv), and start it there`,
    );
  }
}

/** @throws {LocalStackError} `SPIRE_UNAVAILABLE` when a path that was given is no program. */
export function assertPrograms(paths: readonly string[]): void {
  for (const path of paths) {
    try {
      if (path.includes('/')) accessSync(path, constants.X_OK);
    } catch (cause) {
      throw new LocalStackError('SPIRE_UNAVAILABLE', `${path} is no program; get one with: npm run peers`, { cause });
    }
  }
}
