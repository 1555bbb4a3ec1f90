/**
 * The cast of the test vectors, made anew for each run: their keys exist in memory alone. And the frame of a vector.
 */
import type { TestCa } from '@countersign/testkit';
import type { CallerChainErrorCode } from '../src/index.ts';
import type { ChainVector, VectorBundles, VectorOptions, VectorOutcome, VectorStep } from './chain-vectors.ts';
import {
  bundlesOf,
  chainOf,
  type Hop,
  type MadeChain,
  NOW,
  rootOf,
  type Workload,
  workloadOf,
} from './vector-world.ts';

/** Operations of the three calls that most vectors are about. */
export const FIRST_ACT = 'POST /orders';
export const LAST_ACT = '/example.Store/Put';

/** Everybody. */
export interface Cast {
  readonly ca: TestCa;
  readonly foreignCa: TestCa;
  readonly origin: Workload;
  readonly middle: Workload;
  readonly store: Workload;
  readonly stranger: Workload;
  /** Of `example.net`, which the verifier has the bundle of. */
  readonly foreign: Workload;
  readonly bundles: VectorBundles;
}

/** Makes the CAs and their workloads. */
export async function createCast(): Promise<Cast> {
  const [ca, foreignCa] = [await rootOf('example.org'), await rootOf('example.net')];
  const [origin, middle, store, stranger] = [
    await workloadOf(ca, '/origin'),
    await workloadOf(ca, '/middle'),
    await workloadOf(ca, '/store'),
    await workloadOf(ca, '/stranger'),
  ];
  const foreign = await workloadOf(foreignCa, '/origin');
  return { ca, foreignCa, origin, middle, store, stranger, foreign, bundles: bundlesOf(ca, foreignCa) };
}

/** How a chain of two differs from a proper one. */
export interface Pair {
  readonly first?: Partial<Hop>;
  readonly second?: Partial<Hop>;
}

/** origin calls middle, middle calls store. */
export function pairOf({ origin, middle, store }: Cast, { first, second }: Pair = {}): MadeChain {
  return chainOf(
    { signer: origin, aud: middle.id, act: FIRST_ACT, ...first },
    { signer: middle, aud: store.id, act: LAST_ACT, ...second },
  );
}

/** The headers of a chain, each sent once. */
export function headersOf({ links, entries }: Pick<MadeChain, 'links' | 'entries'>): VectorStep['headers'] {
  return { 'caller-chain': [links.join(',')], 'caller-chain-certs': [entries.join(',')] };
}

/** That this chain is accepted, as it was made. */
export function accepted({ hops, txn }: MadeChain): VectorOutcome {
  const links = hops.map(({ signer, aud, act }) => ({ iss: signer.id, aud, act }));
  return { origin: links[0]?.iss ?? '', txn, links };
}

/** That a rule of the specification refuses. */
export function refused(rule: number, code: CallerChainErrorCode): VectorOutcome {
  return { code, rule };
}

/** What a step is, beside what it has by default: the call of middle to store at {@link NOW}. */
export interface StepParts {
  readonly chain: Pick<MadeChain, 'links' | 'entries'>;
  readonly expected: VectorOutcome;
  readonly headers?: VectorStep['headers'];
  readonly call?: Partial<VectorStep['call']>;
  readonly atMs?: number;
  readonly bundles?: VectorBundles;
}

/** One request. */
export function stepOf(
  cast: Cast,
  { chain, expected, headers, call, atMs = NOW * 1_000, bundles }: StepParts,
): VectorStep {
  return {
    time: new Date(atMs).toISOString(),
    ...(bundles === undefined ? {} : { bundles }),
    headers: headers ?? headersOf(chain),
    call: { peer: cast.middle.id, self: cast.store.id, act: LAST_ACT, ...call },
    expected,
  };
}

/** What is not the usual in a vector. */
export interface VectorParts {
  readonly options?: Partial<VectorOptions>;
  readonly bundles?: VectorBundles;
}

/** A vector of these steps. */
export function vectorOf(cast: Cast, name: string, steps: readonly VectorStep[], parts: VectorParts = {}): ChainVector {
  const options = { maxLinks: 4, maxBytes: 12_288, leewayMs: 5_000, maxLifeMs: 60_000, maxReplayEntries: 1_000 };
  return { name, options: { ...options, ...parts.options }, bundles: parts.bundles ?? cast.bundles, steps };
}
