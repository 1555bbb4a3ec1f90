/**
 * What a person with `spire-server` can do to a running SPIRE: entries, authorities, restarts.
 */
import type { SpireCommand } from './command.ts';
import type { SpireEntry } from './entries.ts';

/** A running SPIRE. */
export interface SpireControl {
  /** `spire-server` with these arguments on this server; what it printed. */
  readonly command: SpireCommand;
  /** The agent's Workload API, `unix:///...`. */
  readonly socket: string;
  /** Path of the server's private API, for `spire-server -socketPath`. */
  readonly serverSocket: string;
  createEntry(entry: SpireEntry): Promise<void>;
  deleteEntry(entryId: string): Promise<void>;
  /** IDs of the local X.509 authorities; which of them are there depends on the rotation's step. */
  x509Authorities(): Promise<{ readonly active?: string; readonly prepared?: string; readonly old?: string }>;
  /** Ends server or agent; resolves when it was started again and answers. */
  restart(name: 'spire-server' | 'spire-agent'): Promise<void>;
}

/** @param restart sends SIGTERM and waits */
export function createSpireControl(
  command: SpireCommand,
  sockets: { readonly socket: string; readonly serverSocket: string },
  restart: SpireControl['restart'],
): SpireControl {
  return {
    command,
    ...sockets,
    restart,
    async createEntry(entry) {
      await command(['entry', 'create', '-data', '-'], JSON.stringify({ entries: [entry] }));
    },
    async deleteEntry(entryId) {
      await command(['entry', 'delete', '-entryID', entryId]);
    },
    async x509Authorities() {
      return authoritiesIn(await command(['localauthority', 'x509', 'show', '-output', 'json']));
    },
  };
}

function authoritiesIn(text: string): { active?: string; prepared?: string; old?: string } {
  // SPIRE's own answer: each of the three is an object or absent.
  const document = JSON.parse(text) as Record<string, { authority_id?: string } | undefined>;
  const found: { active?: string; prepared?: string; old?: string } = {};
  for (const name of ['active', 'prepared', 'old'] as const) {
    const id = document[name]?.authority_id;
    if (id !== undefined && id !== '') found[name] = id;
  }
  return found;
}
