/**
 * The policy of a service that is called: the engine, what guards are made of, and who may connect. Each decision becomes
 * a log line in OPA's shape and attributes of the call's span.
 */
import {
  createPolicyEngine,
  createSpiffeAuthorizer,
  type DecisionRecord,
  type GuardOptions,
  type PolicyEngine,
} from '@countersign/authz';
import { type ChainVerifier, createChainVerifier } from '@countersign/caller-chain';
import type { Authorizer, X509Source } from '@countersign/spiffe-tls';
import { type Logger, recordChain, recordDecision } from '@countersign/telemetry';
import type { Readiness } from './readiness.ts';

/** What a policy needs. */
export interface PolicyOptions {
  readonly bundlePath: string;
  readonly source: X509Source;
  readonly readiness: Readiness;
  readonly logger: Logger;
  /** Whether answers name the rule. */
  readonly development: boolean;
}

/** A policy in use. */
export interface Policy {
  readonly engine: PolicyEngine;
  /** For the guards of every transport. */
  readonly guard: GuardOptions & { readonly engine: PolicyEngine };
  /** For the handshake: the peers that some grant for this service names. */
  readonly authorize: Authorizer;
  close(): void;
}

/** Loads the policy and follows it. Without one the service is not ready, and refuses every call. */
export async function startPolicy(options: PolicyOptions): Promise<Policy> {
  const { source, logger, readiness, development } = options;
  const engine = await createPolicyEngine({ bundlePath: options.bundlePath });
  const report = () => {
    const status = engine.status();
    readiness.report('policy', status.state === 'loaded' ? undefined : status.error.message);
    if (status.error === undefined) logger.info({ event: 'policy', state: status.state, revision: revisionOf(status) });
    else logger.error({ event: 'policy', state: status.state, code: status.error.code, message: status.error.message });
  };
  report();
  const stop = engine.subscribe(report);
  const self = () => source.current().svid.id;
  const chain = recordingVerifier(createChainVerifier({ source }));
  return {
    engine,
    guard: { engine, self, chain, development, onDecision: createDecisionLog(logger) },
    authorize: createSpiffeAuthorizer(engine, () => self().toString()),
    close: () => {
      stop();
      engine.close();
    },
  };
}

/** What was verified is what logs and spans show. */
function recordingVerifier(verifier: ChainVerifier): ChainVerifier {
  return {
    verify(encoded, call) {
      const chain = verifier.verify(encoded, call);
      const signers = chain.links.map(({ iss }) => iss.toString());
      recordChain({ txn: chain.txn, origin: chain.origin.toString(), chain: signers });
      return chain;
    },
  };
}

function createDecisionLog(logger: Logger): (record: DecisionRecord) => void {
  return (record) => {
    recordDecision({
      allow: record.result?.allow === true,
      decisionId: record.decision_id,
      rule: record.result?.rule,
      reason: record.result?.reason ?? record.error?.code,
      operation: record.input?.operation,
    });
    logger.info({ event: 'decision', ...record });
  };
}

function revisionOf(status: ReturnType<PolicyEngine['status']>): string | undefined {
  return status.state === 'loaded' ? status.revision : undefined;
}
