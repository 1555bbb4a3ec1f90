/**
 * SPIRE as the system's identity provider: one agent's socket for all, and each program under a user of its own.
 */
import { fileURLToPath } from 'node:url';
import { LocalStackError } from '../errors.ts';
import type { Account, IdentityProvider, ProviderInput } from '../identity-provider.ts';
import { preparePostgresBinaries } from '../postgres/binaries.ts';
import { locatePostgres } from '../postgres/location.ts';
import { stopStalePostmaster } from '../postgres/stale-postmaster.ts';
import { accountsOf, assertPrograms, assertReadable } from './accounts.ts';
import type { SpireRoot } from './config-files.ts';
import { entriesOf, type SpireEntry } from './entries.ts';
import { cacheOf, layOutSpire, makeSpireFolders, type SpireLayout } from './layout.ts';
import { stopRecordedProcesses } from './process-record.ts';

/** How to run SPIRE. */
export interface SpireOptions {
  /** `spire-server`: a path, or a name on PATH. */
  readonly server: string;
  /** `spire-agent`, likewise. */
  readonly agent: string;
  /** Who signs: a root on disk by default. */
  readonly root?: SpireRoot;
  /** First of the users and groups that programs run as, one a workload; 61 000 by default. */
  readonly firstUid?: number;
}

/** SPIRE, and what its control needs to know. */
export interface SpireProvider extends IdentityProvider {
  readonly layout: SpireLayout;
  readonly accounts: ReadonlyMap<string, Account>;
  readonly entries: readonly SpireEntry[];
}

const defaultSvidTtlMs = 300_000;

/**
 * Makes folders and checks that everything is at hand.
 * @throws {LocalStackError} `SPIRE_UNAVAILABLE` and what is missing; nothing was started.
 */
export function createSpireProvider(input: ProviderInput, options: SpireOptions): SpireProvider {
  const { identities, state, svidTtlMs = defaultSvidTtlMs } = input;
  const accounts = accountsOf(identities, options.firstUid);
  const accountOf = (name: string): Account => {
    const account = accounts.get(name);
    if (account === undefined)
      throw new LocalStackError('SPIRE_UNAVAILABLE', `identities.json has no workload ${name}`);
    return account;
  };
  assertPrograms([options.server, options.agent]);
  assertReadable(accounts);
  const layout = layOutSpire(state.root);
  const entries = entriesOf(identities, accounts, Math.round(svidTtlMs / 1_000));
  return {
    layout,
    accounts,
    entries,
    program: fileURLToPath(new URL('./main.ts', import.meta.url)),
    hasProcesses: true,
    postgresHome: layout.postgresHome,
    controlSocket: undefined,
    socketOf: () => `unix://${layout.agentSocket}`,
    accountOf: (name) => (name === 'trust-domain' ? undefined : accountOf(name)),
    env: ({ base }) => ({
      ...base,
      COUNTERSIGN_STATE_DIR: state.root,
      COUNTERSIGN_SPIRE_SERVER: options.server,
      COUNTERSIGN_SPIRE_AGENT: options.agent,
      SPIRE_TRUST_DOMAIN: identities.trustDomain,
      SPIRE_ENTRIES: JSON.stringify(entries),
      SPIRE_ROOT: options.root ?? 'disk',
    }),
    base: (inherited, program) => withOwnFolders(inherited, cacheOf(layout, program)),
    async stopStale() {
      await stopRecordedProcesses(layout);
      await stopStalePostmaster(locatePostgres(layout.postgresHome));
      makeSpireFolders(layout, accounts);
      // While we are root: PostgreSQL's user can't complete the npm package in the checkout.
      preparePostgresBinaries({ name: 'postgres', ...accountOf('postgres') }, () => layout.root);
    },
  };
}

/** Programs that are not root have no use for root's home; each has a compile cache that no other can write to. */
function withOwnFolders(inherited: NodeJS.ProcessEnv, cache: string): NodeJS.ProcessEnv {
  const rest = { ...inherited };
  delete rest['HOME'];
  return inherited['NODE_COMPILE_CACHE'] === undefined ? rest : { ...rest, NODE_COMPILE_CACHE: cache };
}
