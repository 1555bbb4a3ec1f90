/**
 * Metrics of identity and handshakes, from what spiffe-tls says on its diagnostics channels. The channels are known by
 * name alone, as for the log.
 */
import diagnosticsChannel from 'node:diagnostics_channel';
import type { Attributes, Meter } from '@opentelemetry/api';
import { ATTRIBUTES } from './attributes.ts';
import { METRICS, type MetricName } from './metric-names.ts';

/** What these metrics are made with. */
export interface IdentityMetricsOptions {
  readonly meter: Meter;
  readonly describe: (name: MetricName) => { unit: string; description: string };
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly countRefusal: (stage: 'handshake', code: string) => void;
}

/** What the source said last. */
interface IdentityState {
  spiffeId?: string | undefined;
  serialNumber?: string | undefined;
  notBeforeMs?: number | undefined;
  notAfterMs?: number | undefined;
  withdrawn: boolean;
  readonly bundlesAtMs: Map<string, number>;
}

/** Follows the channels from now on. Returns how to stop. */
export function startIdentityMetrics(options: IdentityMetricsOptions): () => void {
  const { meter, describe, now, countRefusal } = options;
  const state: IdentityState = { withdrawn: true, bundlesAtMs: new Map() };
  const rotations = meter.createCounter(METRICS.rotations, describe(METRICS.rotations));
  const handshakes = meter.createCounter(METRICS.handshakes, describe(METRICS.handshakes));
  const listeners = [
    ['spiffe-tls:source', (record: unknown) => followSource(state, plain(record), () => rotations.add(1), now())],
    ['spiffe-tls:verified', (record: unknown) => handshakes.add(1, handshakeLabels('verified', plain(record)))],
    [
      'spiffe-tls:refused',
      (record: unknown) => {
        const labels = handshakeLabels('refused', plain(record));
        handshakes.add(1, labels);
        countRefusal('handshake', String(labels[ATTRIBUTES.refusalCode]));
      },
    ],
  ] as const;
  const stopObserving = observeIdentity(options, state);
  for (const [name, listener] of listeners) diagnosticsChannel.subscribe(name, listener);
  return () => {
    for (const [name, listener] of listeners) diagnosticsChannel.unsubscribe(name, listener);
    stopObserving();
  };
}

/** A first SVID is no rotation; the same SVID again, with new bundles, is none either. */
function followSource(state: IdentityState, record: Record<string, unknown>, rotated: () => void, nowMs: number): void {
  if (record['type'] === 'withdrawn') {
    state.withdrawn = true;
    return;
  }
  if (record['type'] !== 'update') return;
  const { spiffeId, serialNumber, notBeforeMs, notAfterMs, trustDomains } = record;
  if (state.serialNumber !== undefined && state.serialNumber !== serialNumber) rotated();
  state.withdrawn = false;
  state.spiffeId = String(spiffeId);
  state.serialNumber = String(serialNumber);
  state.notBeforeMs = Number(notBeforeMs);
  state.notAfterMs = Number(notAfterMs);
  state.bundlesAtMs.clear();
  for (const name of Array.isArray(trustDomains) ? trustDomains : []) state.bundlesAtMs.set(String(name), nowMs);
}

function observeIdentity({ meter, describe, now }: IdentityMetricsOptions, state: IdentityState): () => void {
  const gauge = (name: MetricName) => meter.createObservableGauge(name, describe(name));
  const expiry = gauge(METRICS.svidExpiry);
  const lifetime = gauge(METRICS.svidLifetime);
  const available = gauge(METRICS.svidAvailable);
  const bundleAge = gauge(METRICS.bundleAge);
  const instruments = [expiry, lifetime, available, bundleAge];
  const observe: Parameters<Meter['addBatchObservableCallback']>[0] = (result) => {
    const { spiffeId, notBeforeMs, notAfterMs, withdrawn, bundlesAtMs } = state;
    result.observe(available, withdrawn ? 0 : 1);
    // The SDK repeats the last value of a gauge that is not observed: left out, a withdrawn SVID would look fresh for ever.
    if (notBeforeMs !== undefined && notAfterMs !== undefined) {
      const leftMs = withdrawn ? 0 : notAfterMs - now();
      result.observe(expiry, leftMs / 1000, { [ATTRIBUTES.selfId]: spiffeId });
      result.observe(lifetime, (notAfterMs - notBeforeMs) / 1000, { [ATTRIBUTES.selfId]: spiffeId });
    }
    for (const [name, sinceMs] of bundlesAtMs)
      result.observe(bundleAge, (now() - sinceMs) / 1000, { [ATTRIBUTES.trustDomain]: name });
  };
  meter.addBatchObservableCallback(observe, instruments);
  return () => meter.removeBatchObservableCallback(observe, instruments);
}

/** Codes, roles and transports are closed sets; who was refused is not, and stays in the log. */
function handshakeLabels(result: 'verified' | 'refused', record: Record<string, unknown>): Attributes {
  return {
    [ATTRIBUTES.handshakeResult]: result,
    ...(result === 'refused' ? { [ATTRIBUTES.refusalCode]: String(record['code']) } : {}),
    [ATTRIBUTES.transport]: String(record['transport']),
    [ATTRIBUTES.role]: String(record['role']),
  };
}

function plain(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
