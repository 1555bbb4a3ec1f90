/**
 * The metrics of a service. Nothing is made until telemetry starts with an exporter of metrics: before, and without one,
 * each function here is one comparison. The global meter gives instruments that count nothing when they are made too early,
 * which is why they are made at the start and not on import.
 */
import { type Attributes, type Counter, type Histogram, type Meter, metrics } from '@opentelemetry/api';
import { ATTRIBUTES } from './attributes.ts';
import { createBoundedLabel } from './bounded-label.ts';
import type { RecordedDecision } from './call-record.ts';
import { startIdentityMetrics } from './identity-metrics.ts';
import { DURATION_BUCKETS, METRIC_DEFINITIONS, METRICS, type MetricName } from './metric-names.ts';

/** Where a call was refused. */
export type RefusalStage = 'handshake' | 'peer' | 'chain' | 'policy' | 'handler' | 'edge';

/** The state of a policy when it is asked. */
export interface PolicyReading {
  /** When the policy in use was loaded, in milliseconds since the epoch; absent while there is none. */
  readonly loadedAtMs?: number | undefined;
  /** Since when its source can't be read again; absent while it is current. */
  readonly staleSinceMs?: number | undefined;
}

/** What a decision log has done since the process started. */
export interface DecisionLogReading {
  readonly sent: number;
  readonly dropped: number;
}

interface Instruments {
  readonly refusals: Counter;
  readonly decisions: Counter;
  readonly decisionDuration: Histogram;
  readonly chainDuration: Histogram;
  readonly label: (value: string) => string;
}

const policies = new Set<() => PolicyReading>();
const decisionLogs = new Set<() => DecisionLogReading>();
let active: Instruments | undefined;

/** Makes the instruments. Call it after the SDK has started; returns how to stop. */
export function startMetrics(now: () => number = Date.now): () => void {
  const meter = metrics.getMeter('@countersign/telemetry');
  active = {
    refusals: meter.createCounter(METRICS.refusals, describe(METRICS.refusals)),
    decisions: meter.createCounter(METRICS.decisions, describe(METRICS.decisions)),
    decisionDuration: createDuration(meter, METRICS.decisionDuration),
    chainDuration: createDuration(meter, METRICS.chainDuration),
    label: createBoundedLabel(),
  };
  const stopReadings = observeReadings(meter, now);
  const stopIdentity = startIdentityMetrics({ meter, describe, now, countRefusal });
  return () => {
    active = undefined;
    stopReadings();
    stopIdentity();
  };
}

/** Counts a decision, and how long it took where that is known. */
export function countDecision(decision: RecordedDecision): void {
  if (active === undefined) return;
  const result = decision.errorCode !== undefined ? 'error' : decision.allow ? 'allow' : 'deny';
  active.decisions.add(1, {
    [ATTRIBUTES.decision]: result,
    ...labelled(ATTRIBUTES.rule, decision.rule),
    ...labelled(ATTRIBUTES.reason, decision.errorCode ?? decision.reason),
    ...labelled(ATTRIBUTES.operation, decision.operation),
  });
  if (decision.evaluationSeconds !== undefined)
    active.decisionDuration.record(decision.evaluationSeconds, { [ATTRIBUTES.decision]: result });
}

/**
 * Counts a refusal. Refusals in the handshake are counted by themselves, from spiffe-tls' diagnostics channel.
 * @param code from a closed union of error codes, never text that a caller chose
 */
export function countRefusal(stage: RefusalStage, code: string): void {
  active?.refusals.add(1, { [ATTRIBUTES.refusalStage]: stage, ...labelled(ATTRIBUTES.refusalCode, code) });
}

/**
 * Notes how long the verification of a caller chain took.
 * @param code why the chain was refused; absent when it was verified
 */
export function recordChainVerification(seconds: number, code?: string): void {
  active?.chainDuration.record(seconds, {
    [ATTRIBUTES.chainResult]: code === undefined ? 'verified' : 'refused',
    ...labelled(ATTRIBUTES.refusalCode, code),
  });
}

/** Exports a policy's state from now on; asked only when metrics are collected. Returns how to stop. */
export function observePolicy(read: () => PolicyReading): () => void {
  policies.add(read);
  return () => void policies.delete(read);
}

/** Exports a decision log's counters from now on; asked only when metrics are collected. Returns how to stop. */
export function observeDecisionLog(read: () => DecisionLogReading): () => void {
  decisionLogs.add(read);
  return () => void decisionLogs.delete(read);
}

function observeReadings(meter: Meter, now: () => number): () => void {
  const gauge = (name: MetricName) => meter.createObservableGauge(name, describe(name));
  const [available, age, stale] = [
    gauge(METRICS.policyAvailable),
    gauge(METRICS.policyAge),
    gauge(METRICS.policyStale),
  ] as const;
  const records = meter.createObservableCounter(METRICS.decisionLog, describe(METRICS.decisionLog));
  const instruments = [available, age, stale, records];
  const observe: Parameters<Meter['addBatchObservableCallback']>[0] = (result) => {
    for (const { loadedAtMs, staleSinceMs } of Array.from(policies, (read) => read())) {
      result.observe(available, loadedAtMs === undefined ? 0 : 1);
      if (loadedAtMs !== undefined) result.observe(age, (now() - loadedAtMs) / 1000);
      result.observe(stale, staleSinceMs === undefined ? 0 : (now() - staleSinceMs) / 1000);
    }
    for (const { sent, dropped } of Array.from(decisionLogs, (read) => read())) {
      result.observe(records, sent, { [ATTRIBUTES.decisionLogState]: 'sent' });
      result.observe(records, dropped, { [ATTRIBUTES.decisionLogState]: 'dropped' });
    }
  };
  meter.addBatchObservableCallback(observe, instruments);
  return () => meter.removeBatchObservableCallback(observe, instruments);
}

function createDuration(meter: Meter, name: MetricName): Histogram {
  return meter.createHistogram(name, {
    ...describe(name),
    advice: { explicitBucketBoundaries: [...DURATION_BUCKETS] },
  });
}

function describe(name: MetricName): { unit: string; description: string } {
  const { unit, brief } = METRIC_DEFINITIONS[name];
  return { unit, description: brief };
}

function labelled(name: string, value: string | undefined): Attributes {
  return value === undefined || active === undefined ? {} : { [name]: active.label(`${value}`) };
}
