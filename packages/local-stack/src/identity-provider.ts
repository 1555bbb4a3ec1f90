/**
 * Where the system's identities come from: the one thing in which `npm start` and `npm run start:spire` differ. The
 * services, PostgreSQL and their order are the same on each.
 */
import { join } from 'node:path';
import type { Identities } from '@countersign/identities';
import { type EnvironmentInput, programs, trustDomainEnv } from './definitions.ts';
import { findPostgresAccount } from './postgres/account.ts';
import { openPostgresLocation } from './postgres/location.ts';
import { stopStalePostmaster } from './postgres/stale-postmaster.ts';
import type { StateDirectory } from './state-directory.ts';
import type { ProgramName } from './supervisor.ts';

/** A user that a program runs as. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/** What issues identities in one system. */
export interface IdentityProvider {
  /** Path of the program that runs as the part `trust-domain`. */
  readonly program: string;
  /** True when that program has processes of its own, which it must be given the time to stop. */
  readonly hasProcesses: boolean;
  /** `COUNTERSIGN_STATE_DIR` of PostgreSQL's sidecar. */
  readonly postgresHome: string;
  /** Path of the trust domain's control socket; undefined where there is none. */
  readonly controlSocket: string | undefined;
  /** Workload API address of a workload, `unix:///...`. */
  socketOf(workload: string): string;
  /** Who a program, or whatever else is to be a workload, runs as; undefined: who runs us. */
  accountOf(name: string): Account | undefined;
  /** Environment of {@link IdentityProvider.program}. */
  env(input: EnvironmentInput): NodeJS.ProcessEnv;
  /** What a program gets beside its own settings, made from what we inherited. */
  base(inherited: NodeJS.ProcessEnv, program: ProgramName): NodeJS.ProcessEnv;
  /** Stops what a killed run left behind: it still has its ports. */
  stopStale(): Promise<void>;
}

/** What a provider is made from. */
export interface ProviderInput {
  readonly identities: Identities;
  readonly state: StateDirectory;
  readonly svidTtlMs: number | undefined;
}

/** The development trust domain: a socket a workload in a private folder, every program ours to run. */
export function createEmbeddedProvider({
  state,
  svidTtlMs,
}: ProviderInput): IdentityProvider & { readonly controlSocket: string } {
  return {
    program: programs['trust-domain'],
    hasProcesses: false,
    postgresHome: state.root,
    controlSocket: join(state.run, 'control', 'control.sock'),
    socketOf: (workload) => `unix://${join(state.run, workload, 'api.sock')}`,
    accountOf: () => undefined,
    env: (input) => trustDomainEnv(input, state, svidTtlMs),
    base: (inherited) => inherited,
    async stopStale() {
      await stopStalePostmaster(openPostgresLocation(state.root, findPostgresAccount()));
    },
  };
}
