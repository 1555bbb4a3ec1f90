/**
 * Engines for the guards' tests: the committed rules with the tests' grants, and policies that fail in one way each.
 */

import { parsePolicyBundle } from '../src/bundle/policy-bundle.ts';
import type { PolicyEngine } from '../src/policy-engine.ts';
import { createPolicyModule, type PolicyModule } from '../src/policy-module.ts';
import { bundleWith } from './bundles.ts';
import { assembleFakePolicy } from './fake-wasm.ts';

/** What a guard asks. */
export type Decider = Pick<PolicyEngine, 'decide'>;

/** The committed rules over the tests' grants. */
export const policy = createPolicyModule(await parsePolicyBundle(await bundleWith()));

/** An engine over one policy. */
export const engineOver = (module: PolicyModule): Decider => ({
  decide: (input, decisionId = '') => ({ ...module.evaluate(input), decisionId, revision: module.revision }),
});

/** An engine over a module that refuses the smoke queries properly, and answers calls with this text, or traps. */
export async function engineAnswering(answer: string): Promise<Decider> {
  const short = '[{"result":{"allow":false,"reason":"no","rule":"none","obligations":[]}}]';
  const wasm = assembleFakePolicy({ short, long: answer });
  const engine = engineOver(createPolicyModule(await parsePolicyBundle(await bundleWith({ wasm }))));
  // What a real call asks may be as short as a smoke query.
  const resource = { kind: 'padding', id: 'x'.repeat(1000), attributes: {} };
  return { decide: (input, decisionId) => engine.decide({ ...input, resource }, decisionId) };
}

/** An engine that throws what no engine should. */
export const engineThrowing = (error: unknown): Decider => ({
  decide: () => {
    throw error;
  },
});
