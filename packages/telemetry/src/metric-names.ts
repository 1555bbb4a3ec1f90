/** The registry's other half: metrics, with unit, kind and labels. */
import { ATTRIBUTES, type AttributeName } from './attributes.ts';

/** Metric names. */
export const METRICS = {
  svidExpiry: 'spiffe.svid.expiry',
  svidLifetime: 'spiffe.svid.lifetime',
  svidAvailable: 'spiffe.svid.available',
  rotations: 'spiffe.svid.rotations',
  bundleAge: 'spiffe.bundle.age',
  handshakes: 'spiffe.handshakes',
  refusals: 'authz.refusals',
  decisions: 'authz.decisions',
  decisionDuration: 'authz.decision.duration',
  policyAvailable: 'authz.policy.available',
  policyAge: 'authz.policy.age',
  policyStale: 'authz.policy.stale',
  decisionLog: 'authz.decision_log.records',
  chainDuration: 'caller_chain.verification.duration',
} as const;

/** One of the names in {@link METRICS}. */
export type MetricName = (typeof METRICS)[keyof typeof METRICS];

/** What the registry says of a metric. */
export interface MetricDefinition {
  readonly kind: 'counter' | 'histogram' | 'observable gauge' | 'observable counter';
  /** UCUM; in braces what is counted. */
  readonly unit: string;
  readonly brief: string;
  readonly labels: readonly AttributeName[];
}

/** Upper bounds in seconds: 10 microseconds to 10 milliseconds, where a decision and a chain's verification lie. */
export const DURATION_BUCKETS: readonly number[] = [
  0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01,
];

const { selfId, trustDomain, handshakeResult, refusalCode, refusalStage, transport, role } = ATTRIBUTES;
const { decision, rule, reason, operation, decisionLogState, chainResult } = ATTRIBUTES;

/** Every metric of {@link METRICS}, defined. A label never holds what a stranger can choose: peers' IDs are in no metric. */
export const METRIC_DEFINITIONS: Readonly<Record<MetricName, MetricDefinition>> = {
  'spiffe.svid.expiry': {
    kind: 'observable gauge',
    unit: 's',
    brief: 'seconds until the SVID in use expires; negative once it has, 0 when it was withdrawn',
    labels: [selfId],
  },
  'spiffe.svid.lifetime': {
    kind: 'observable gauge',
    unit: 's',
    brief: 'the whole life of the SVID in use; what is left of it is judged by this, since issuers differ',
    labels: [selfId],
  },
  'spiffe.svid.available': {
    kind: 'observable gauge',
    unit: '{identity}',
    brief: '1 while the process has an identity, 0 while it has none yet or it was withdrawn',
    labels: [],
  },
  'spiffe.svid.rotations': {
    kind: 'counter',
    unit: '{rotation}',
    brief: 'SVIDs that took the place of another one',
    labels: [],
  },
  'spiffe.bundle.age': {
    kind: 'observable gauge',
    unit: 's',
    brief: "seconds since the source last delivered the trust domain's bundle, changed or not",
    labels: [trustDomain],
  },
  'spiffe.handshakes': {
    kind: 'counter',
    unit: '{handshake}',
    brief: 'TLS connections judged, on either side',
    labels: [handshakeResult, refusalCode, transport, role],
  },
  'authz.refusals': {
    kind: 'counter',
    unit: '{refusal}',
    brief: 'refusals of every stage, from handshake to handler',
    labels: [refusalStage, refusalCode],
  },
  'authz.decisions': {
    kind: 'counter',
    unit: '{decision}',
    brief: 'decisions of the policy, and failures to decide',
    labels: [decision, rule, reason, operation],
  },
  'authz.decision.duration': {
    kind: 'histogram',
    unit: 's',
    brief: 'how long the policy took to decide',
    labels: [decision],
  },
  'authz.policy.available': {
    kind: 'observable gauge',
    unit: '{policy}',
    brief: '1 while a policy is loaded, 0 while every call is refused for want of one',
    labels: [],
  },
  'authz.policy.age': {
    kind: 'observable gauge',
    unit: 's',
    brief: 'seconds since the policy in use was loaded',
    labels: [],
  },
  'authz.policy.stale': {
    kind: 'observable gauge',
    unit: 's',
    brief: "seconds since the policy's source first failed to be read again; 0 while it is current",
    labels: [],
  },
  'authz.decision_log.records': {
    kind: 'observable counter',
    unit: '{record}',
    brief: 'decision records by what became of them',
    labels: [decisionLogState],
  },
  'caller_chain.verification.duration': {
    kind: 'histogram',
    unit: 's',
    brief: 'how long the verification of a caller chain took',
    labels: [chainResult, refusalCode],
  },
};
