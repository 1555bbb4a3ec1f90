/**
 * Metrics into the model. They come every two seconds whatever happens, so they are the pulse of a process; and they tell
 * a console that was started later what `identity` records said before.
 */
import type { NumberPoint } from '@countersign/otlp-receiver';
import { ATTRIBUTES, METRICS } from '@countersign/telemetry';
import { defined, textOf, timeOf } from './facts.ts';
import type { IdentityReading } from './instances.ts';
import { TEXT } from './limits.ts';
import type { Model } from './model.ts';
import { senderOf } from './sender.ts';

export function takeMetrics({ workloads }: Model, points: readonly NumberPoint[], nowMs: number): void {
  for (const [resource, ofSender] of Map.groupBy(points, (point) => point.resource)) {
    const sender = senderOf(resource);
    if (sender === undefined) continue;
    workloads.report(sender, nowMs);
    const [self, reading] = [selfOf(ofSender), readingOf(ofSender, nowMs)];
    // The last value of a gauge is sent on after the identity was withdrawn: who it was, it still is.
    if (self !== undefined) workloads.named(sender, { id: self });
    if (reading !== undefined) workloads.reading(sender, reading);
  }
}

function selfOf(points: readonly NumberPoint[]): string | undefined {
  const expiry = points.find(({ name }) => name === METRICS.svidExpiry);
  return expiry === undefined ? undefined : textOf(expiry.attributes, ATTRIBUTES.selfId, TEXT.id);
}

function readingOf(points: readonly NumberPoint[], nowMs: number): IdentityReading | undefined {
  const last = (wanted: string) => points.findLast(({ name }) => name === wanted);
  const [available, expiry, lifetime] = [
    last(METRICS.svidAvailable),
    last(METRICS.svidExpiry),
    last(METRICS.svidLifetime),
  ];
  const latest = available ?? expiry;
  if (latest === undefined) return undefined;
  const domains = points
    .filter(({ name }) => name === METRICS.bundleAge)
    .flatMap(({ attributes }) => textOf(attributes, ATTRIBUTES.trustDomain, TEXT.name) ?? []);
  return {
    at: timeOf(latest.timeNanos, nowMs),
    trustDomains: [...new Set(domains)].slice(0, MAX_DOMAINS),
    ...defined({
      available: available === undefined ? undefined : available.value > 0,
      notAfter: expiry === undefined ? undefined : timeOf(expiry.timeNanos, nowMs) + expiry.value * 1_000,
      lifetimeMs: lifetime === undefined ? undefined : lifetime.value * 1_000,
    }),
  };
}

const MAX_DOMAINS = 32;
