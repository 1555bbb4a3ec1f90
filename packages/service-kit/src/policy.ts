/**
 * The policy of a service that is called: the engine, what guards are made of, who may connect, and where decisions go:
 * attributes of the call's span, and the decision log.
 */
import {
  createPolicyEngine,
  createSpiffeAuthorizer,
  type DecisionLog,
  type GuardOptions,
  type PolicyEngine,
} from '@countersign/authz';
import { createChainVerifier } from '@countersign/caller-chain';
import type { Authorizer, X509Source } from '@countersign/spiffe-tls';
import { type Logger, recordRefusal } from '@countersign/telemetry';
import packageJson from '../package.json' with { type: 'json' };
import type { Config } from './config.ts';
import type { DecisionLogConfig } from './decision-log-settings.ts';
import { createDecisionSinks } from './decision-sinks.ts';
import { type policySettings, policySourceOf } from './policy-settings.ts';
import { observeDeliveries, observeEngine, recordDecisionRecord, recordingVerifier } from './policy-telemetry.ts';
import type { Readiness } from './readiness.ts';

/** All workspaces have one version. */
const { version } = packageJson;

/** What a policy needs. */
export interface PolicyOptions {
  /** The service's name, for the decision log. */
  readonly name: string;
  /** Where it comes from, and where decisions go. */
  readonly config: DecisionLogConfig & Config<typeof policySettings>;
  readonly source: X509Source;
  readonly readiness: Readiness;
  readonly logger: Logger;
  /** Whether answers name the rule. */
  readonly development: boolean;
  /** Takes what ends the metrics of the policy and of its decision log: not before they were read a last time. */
  atEnd(end: () => void): void;
}

/** A policy in use. */
export interface Policy {
  readonly engine: PolicyEngine;
  /** For the guards of every transport. */
  readonly guard: GuardOptions & { readonly engine: PolicyEngine };
  /** For the handshake: the peers that some grant for this service names. */
  readonly authorize: Authorizer;
  /** Sends what the decision log still holds, within its bound. Call it when the last call has ended. */
  close(): Promise<void>;
}

/** Loads the policy and follows it. Without one the service is not ready, and refuses every call. */
export async function startPolicy(options: PolicyOptions): Promise<Policy> {
  const { source, logger, readiness, development } = options;
  const from = policySourceOf(options.config, source);
  const engine = await createPolicyEngine(from.options);
  const report = () => {
    const status = engine.status();
    readiness.report('policy', status.state === 'loaded' ? undefined : status.error.message);
    if (status.error === undefined) logger.info({ event: 'policy', state: status.state, revision: revisionOf(status) });
    else logger.error({ event: 'policy', state: status.state, code: status.error.code, message: status.error.message });
  };
  report();
  const stop = engine.subscribe(report);
  const decisions = createDecisionSinks({ ...options, service: options.name, version });
  // What the decision log delivers and loses as it closes is to be in the last reading.
  for (const end of [observeEngine(engine), observeDeliveries(decisions)]) options.atEnd(end);
  const self = () => source.current().svid.id;
  const chain = recordingVerifier(createChainVerifier({ source }));
  return {
    engine,
    guard: {
      ...{ engine, self, chain, development },
      onDecision: recordIn(decisions),
      onChange: onBundleChange(source),
    },
    authorize: createSpiffeAuthorizer(engine, () => self().toString()),
    close: async () => {
      stop();
      engine.close();
      from.close();
      await decisions.close();
    },
  };
}

/** A peer that no bundle verifies any more loses its open streams, too. The own SVID decides about nobody. */
function onBundleChange(source: X509Source): (listener: () => void) => () => void {
  return (listener) =>
    source.subscribe((event) => {
      if (event.type !== 'update' || event.changed.bundles) listener();
    });
}

/** Throwing refuses the call: a decision that nobody could look up is not acted on. */
function recordIn(decisions: DecisionLog): NonNullable<GuardOptions['onDecision']> {
  return (record, refusal) => {
    recordDecisionRecord(record);
    // Before the line is written, so that the line says why.
    if (refusal !== undefined) recordRefusal(refusal);
    decisions.record(record);
  };
}

function revisionOf(status: ReturnType<PolicyEngine['status']>): string | undefined {
  return status.state === 'loaded' ? status.revision : undefined;
}
