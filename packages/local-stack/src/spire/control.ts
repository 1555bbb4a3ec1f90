/**
 * What a person with `spire-server` can do to a running SPIRE: entries, authorities, restarts.
 */
import type { SpireCommand } from './command.ts';
import type { SpireEntry } from './entries.ts';

/** One authority of a server, X.509 or JWT. */
export interface SpireAuthority {
  readonly id: string;
  /** Subject key ID of the root that signed it; absent where the server is its own root. */
  readonly upstreamKeyId?: string;
}

/** The local authorities of one kind; which of them are there depends on the rotation's step. */
export interface SpireAuthorities {
  readonly active?: SpireAuthority;
  readonly prepared?: SpireAuthority;
  readonly old?: SpireAuthority;
}

/** What a server is told. */
export interface SpireCommands {
  /** `spire-server` with these arguments on this server; what it printed. */
  readonly command: SpireCommand;
  createEntry(entry: SpireEntry): Promise<void>;
  /** Replaces entries of these IDs: whatever changed, the agent has them signed anew at its next sync. */
  updateEntries(entries: readonly SpireEntry[]): Promise<void>;
  deleteEntry(entryId: string): Promise<void>;
  /** IDs of all entries that the server has. */
  entryIds(): Promise<ReadonlySet<string>>;
  /** Names of the foreign trust domains whose bundles the server has. */
  federatedTrustDomains(): Promise<readonly string[]>;
  x509Authorities(): Promise<SpireAuthorities>;
  jwtAuthorities(): Promise<SpireAuthorities>;
}

/** The SPIRE of a running system. */
export interface SpireControl extends SpireCommands {
  /** The agent's Workload API, `unix:///...`. */
  readonly socket: string;
  /** Path of the server's private API, for `spire-server -socketPath`. */
  readonly serverSocket: string;
  /** PEM files of the root on disk, which only root can read. */
  readonly root: { readonly certificate: string; readonly key: string };
  /** Puts a new root on disk: the next authority that is prepared has it as its upstream. */
  replaceRoot(): Promise<void>;
  /** Ends server or agent; resolves when it was started again and answers. */
  restart(name: 'spire-server' | 'spire-agent'): Promise<void>;
}

/** Makes them for a server that runs. */
export function createSpireCommands(command: SpireCommand): SpireCommands {
  return {
    command,
    async createEntry(entry) {
      await command(['entry', 'create', '-data', '-'], JSON.stringify({ entries: [entry] }));
    },
    async updateEntries(entries) {
      await command(['entry', 'update', '-data', '-'], JSON.stringify({ entries }));
    },
    async deleteEntry(entryId) {
      await command(['entry', 'delete', '-entryID', entryId]);
    },
    async entryIds() {
      // SPIRE's own answer.
      const { entries = [] } = JSON.parse(await command(['entry', 'show', '-output', 'json'])) as ShownEntries;
      return new Set(entries.map(({ id }) => id));
    },
    async federatedTrustDomains() {
      // Likewise.
      const { bundles = [] } = JSON.parse(await command(['bundle', 'list', '-output', 'json'])) as ShownBundles;
      return bundles.map(({ trust_domain: name }) => name);
    },
    async x509Authorities() {
      return authoritiesIn(await command(['localauthority', 'x509', 'show', '-output', 'json']));
    },
    async jwtAuthorities() {
      return authoritiesIn(await command(['localauthority', 'jwt', 'show', '-output', 'json']));
    },
  };
}

interface ShownEntries {
  readonly entries?: readonly { readonly id: string }[];
}

interface ShownBundles {
  readonly bundles?: readonly { readonly trust_domain: string }[];
}

interface ShownAuthority {
  readonly authority_id?: string;
  readonly upstream_authority_subject_key_id?: string;
}

function authoritiesIn(text: string): SpireAuthorities {
  // SPIRE's own answer: each of the three is an object or absent.
  const document = JSON.parse(text) as Record<string, ShownAuthority | undefined>;
  const found: Partial<Record<'active' | 'prepared' | 'old', SpireAuthority>> = {};
  for (const name of ['active', 'prepared', 'old'] as const) {
    const { authority_id: id, upstream_authority_subject_key_id: upstreamKeyId } = document[name] ?? {};
    if (id) found[name] = { id, ...(upstreamKeyId ? { upstreamKeyId } : {}) };
  }
  return found;
}
