/**
 * Where SPIRE's files are. Server and agent keep their data in folders of root's own; the agent's socket is in one that
 * every user may enter, because everybody may ask who he is.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { LocalStackError } from '../errors.ts';
import type { Account } from '../identity-provider.ts';
import { makeAccountDirectory } from '../postgres/location.ts';
import { makeOwnDirectory, maxSocketPathBytes } from '../state-directory.ts';

/** The paths of one SPIRE. */
export interface SpireLayout {
  readonly root: string;
  /** The root CA: outlives the server's data. */
  readonly ca: string;
  /** Data of the server; its private API is `api.sock` in it. */
  readonly server: string;
  readonly serverSocket: string;
  /** Data of the agent. */
  readonly agent: string;
  /** The Workload API, one socket for all. */
  readonly agentSocket: string;
  /** Which processes were started: a later run stops what a killed one left. */
  readonly processes: string;
  /** State directory of PostgreSQL's sidecar, which is not root here. */
  readonly postgresHome: string;
}

/** The paths alone; nothing is made. */
export function layOutSpire(stateRoot: string): SpireLayout {
  const root = join(stateRoot, 'spire');
  return {
    root,
    ca: join(root, 'ca'),
    server: join(root, 'server'),
    serverSocket: join(root, 'server', 'api.sock'),
    agent: join(root, 'agent'),
    agentSocket: join(root, 'api', 'agent.sock'),
    processes: join(root, 'processes.json'),
    postgresHome: join(root, 'database'),
  };
}

/** The compile cache of a program. */
export function cacheOf({ root }: SpireLayout, program: string): string {
  return join(root, 'cache', program);
}

/**
 * Data of server and agent begin anew with each start: entries derive from `identities.json`, and the agent joins by a
 * fresh token. Root CA and database stay.
 */
export function renewSpireData(layout: SpireLayout): void {
  for (const data of [layout.server, layout.agent]) {
    rmSync(data, { recursive: true, force: true });
    makeOwnDirectory(data, 0o700);
  }
  rmSync(layout.agentSocket, { force: true });
}

/**
 * Makes the folders that stay.
 * @throws {LocalStackError} `STATE_DIRECTORY`
 */
export function makeSpireFolders(layout: SpireLayout, accounts: ReadonlyMap<string, Account>): void {
  for (const socket of [layout.serverSocket, layout.agentSocket]) {
    if (Buffer.byteLength(socket) > maxSocketPathBytes)
      throw new LocalStackError(
        'STATE_DIRECTORY',
        `${socket} is too long for a socket's path; set COUNTERSIGN_STATE_DIR to a shorter folder`,
      );
  }
  makeOwnDirectory(layout.root, 0o711);
  makeOwnDirectory(layout.ca, 0o700);
  for (const shared of ['api', 'cache']) makeOwnDirectory(join(layout.root, shared), 0o711);
  for (const [name, account] of accounts) {
    makeAccountDirectory(cacheOf(layout, name), { name, ...account });
    if (name === 'postgres') makeAccountDirectory(layout.postgresHome, { name, ...account });
  }
}
