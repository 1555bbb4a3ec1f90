/**
 * The system under attack as whoever runs it and its trust domain has it: on the development trust domain or on SPIRE, with
 * the CA's own key and with what only an operator can do.
 */
import {
  findRunningSystem,
  type IdentityControl,
  openWorkloadSocket,
  type RunningSystem,
  removeStateDirectory,
  type SpireOptions,
  type SystemOptions,
} from '@countersign/local-stack';
import { temporaryStateDirectory } from '../integration/test-system.ts';
import type { Trust } from '../prove/trust.ts';
import { startEmbedded } from './authority-embedded.ts';
import { startOnSpire } from './authority-spire.ts';
import type { RealIssuer } from './ca-key.ts';

/** What each kind of trust domain has in its own way. */
export interface ProviderAuthority {
  readonly system: RunningSystem;
  readonly control: IdentityControl;
  readonly trust: Trust;
  /** User and group that a workload runs as; undefined: who runs us. */
  accountOf(workload: string): { readonly uid: number; readonly gid: number } | undefined;
  /** The present CA, with its key. */
  issuer(): Promise<RealIssuer>;
  /** Replaces the CA; resolves when the old one has left the bundle of everybody who judges by it. */
  replaceCa(): Promise<void>;
  /** How long a workload may still be given an identity that was withdrawn. */
  readonly forgetsWithinMs: number;
}

/** All of it. */
export interface Authority extends ProviderAuthority, AsyncDisposable {
  /** Workload API address at which this process is that workload. */
  socketAs(workload: string): Promise<string>;
}

/** How to start. */
export interface AuthorityOptions extends Pick<SystemOptions, 'env' | 'programEnv' | 'onRecord' | 'signal'> {
  /** SPIRE's programs; the development trust domain without. */
  readonly spire: SpireOptions | undefined;
}

/** Copies are presented from the first cell to the last: on no machine may they end in between. */
const SVID_TTL_MS = 900_000;

/** Starts a system of its own. Nothing is left of it when it fails. */
export async function openAuthority({ spire, ...options }: AuthorityOptions): Promise<Authority> {
  await using stack = new AsyncDisposableStack();
  const stateDirectory = stack.adopt(temporaryStateDirectory(), removeStateDirectory);
  const complete = { ...options, stateDirectory, ports: 'free', svidTtlMs: SVID_TTL_MS } as const;
  const authority = spire === undefined ? await startEmbedded(complete) : await startOnSpire({ ...complete, spire });
  stack.defer(() => authority.system.stop());
  const sockets = new Map<string, Promise<string>>();
  const all = stack.move();
  const open = async (workload: string) =>
    all.use(await openWorkloadSocket(findRunningSystem(stateDirectory), workload)).endpoint;
  return {
    ...authority,
    socketAs(workload) {
      const socket = sockets.get(workload) ?? open(workload);
      sockets.set(workload, socket);
      return socket;
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}
