/** The committed policy, the one that the services run. Its grants name the identities of this run. */
import { fileURLToPath } from 'node:url';
import { createPolicyEngine, type PolicyEngine } from '@countersign/authz';

/** A policy that keeps how long each of its decisions took. */
export interface TimedPolicy {
  readonly engine: Pick<PolicyEngine, 'decide' | 'peersOf' | 'status'>;
  /** In microseconds, in the order taken. */
  readonly timesUs: readonly number[];
}

/** The committed bundle. */
export const bundlePath = fileURLToPath(new URL('../../policies/bundle.tar.gz', import.meta.url));

export function loadPolicy(): Promise<PolicyEngine> {
  return createPolicyEngine({ bundlePath });
}

/** The same, with a clock around each decision. */
export async function loadTimedPolicy(): Promise<TimedPolicy> {
  const engine = await loadPolicy();
  const timesUs: number[] = [];
  const decide: PolicyEngine['decide'] = (input, decisionId) => {
    const startedNs = process.hrtime.bigint();
    const decision = engine.decide(input, decisionId);
    timesUs.push(Number(process.hrtime.bigint() - startedNs) / 1_000);
    return decision;
  };
  return {
    engine: { decide, peersOf: (self) => engine.peersOf(self), status: () => engine.status() },
    timesUs,
  };
}
