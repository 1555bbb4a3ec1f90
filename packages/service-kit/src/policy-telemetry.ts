/**
 * What telemetry shows of a policy: its age, each decision and its delivery, and each verified chain.
 */
import type { DecisionLog, DecisionRecord, PolicyEngine } from '@countersign/authz';
import type { ChainVerifier } from '@countersign/caller-chain';
import {
  observeDecisionLog,
  observePolicy,
  type PolicyReading,
  recordChain,
  recordChainVerification,
  recordDecision,
} from '@countersign/telemetry';

/** Exports the age of the engine's policy, and since when it can't be renewed. Returns how to stop. */
export function observeEngine(
  engine: Pick<PolicyEngine, 'status' | 'subscribe'>,
  now: () => number = Date.now,
): () => void {
  let reading: PolicyReading = engine.status().state === 'loaded' ? { loadedAtMs: now() } : {};
  const unsubscribe = engine.subscribe(({ type }) => {
    // The first refusal since the last load is when it began to be stale.
    reading = type === 'loaded' ? { loadedAtMs: now() } : { ...reading, staleSinceMs: reading.staleSinceMs ?? now() };
  });
  const stopObserving = observePolicy(() => reading);
  return () => {
    unsubscribe();
    stopObserving();
  };
}

/** What was verified is what logs and spans show; how long it took is a metric, refused or not. */
export function recordingVerifier(verifier: ChainVerifier): ChainVerifier {
  return {
    verify(encoded, call) {
      const startedMs = performance.now();
      try {
        const chain = verifier.verify(encoded, call);
        recordChainVerification((performance.now() - startedMs) / 1000);
        const signers = chain.links.map(({ iss }) => iss.toString());
        recordChain({ txn: chain.txn, origin: chain.origin.toString(), chain: signers });
        return chain;
      } catch (error) {
        recordChainVerification((performance.now() - startedMs) / 1000, codeOf(error));
        throw error;
      }
    },
  };
}

/** Puts a decision on the call's span and into the metrics. */
export function recordDecisionRecord({ decision_id, input, result, error, metrics }: DecisionRecord): void {
  recordDecision({
    allow: result?.allow === true,
    decisionId: decision_id,
    rule: result?.rule,
    reason: result?.reason ?? error?.code,
    operation: input?.operation,
    errorCode: error?.code,
    evaluationSeconds: result === undefined ? undefined : metrics.timer_rego_query_eval_ns / 1e9,
  });
}

/** Exports what the decision log delivered and lost, over all of its sinks. Returns how to stop. */
export function observeDeliveries(log: Pick<DecisionLog, 'stats'>): () => void {
  return observeDecisionLog(() => {
    const sinks = Object.values(log.stats().sinks);
    const lost = sinks.flatMap(({ dropped }) => Object.values(dropped));
    return { sent: sum(sinks.map(({ sent }) => sent)), dropped: sum(lost) };
  });
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'UNKNOWN';
}
