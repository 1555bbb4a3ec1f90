/**
 * The attacked system on SPIRE whose root is on disk. What the CA itself never makes is signed by a CA of ours below that
 * root, so it reaches a verifier as SPIRE's own SVIDs do: with an intermediate.
 */
import { type SpireSystemOptions, startSpireSystem } from '@countersign/local-stack';
import type { ProviderAuthority } from './authority.ts';
import { belowRoot, readRoot } from './ca-key.ts';

/** The agent hears of a deleted entry at its next sync, of one in five seconds. */
const FORGETS_WITHIN_MS = 20_000;

/** Starts it. */
export async function startOnSpire(
  options: SpireSystemOptions & { readonly svidTtlMs: number },
): Promise<ProviderAuthority> {
  const system = await startSpireSystem(options);
  return {
    system,
    control: system.control,
    trust: { provider: 'spire', ...system.trust },
    accountOf: system.accountOf,
    issuer: async () => belowRoot(await readRoot(system.spire.root), `spiffe://${system.identities.trustDomain}`),
    // Each of SPIRE's steps, and none before every program has heard of the one before.
    replaceCa: () => system.control.rotateCa(),
    forgetsWithinMs: FORGETS_WITHIN_MS,
  };
}
