/** A span as the page shows it, cut to what is kept. */
import type { Span } from '@countersign/otlp-receiver';
import type { SpanView } from '../wire/model.ts';
import { cut, textOf } from './facts.ts';
import { LIMITS, TEXT } from './limits.ts';

/** What is kept of a span: its view, with its times as they came instead of from the trace's start. */
export interface KeptSpan extends Omit<SpanView, 'offsetMs'> {
  /** Microseconds since 1970: in milliseconds a number would no longer tell two of them apart. */
  readonly startUs: number;
}

export function keptSpan(span: Span): KeptSpan {
  const startUs = usOf(span.startNanos);
  return {
    spanId: span.spanId,
    ...(span.parentSpanId !== undefined && { parentSpanId: span.parentSpanId }),
    service: textOf(span.resource, 'service.name', TEXT.name) ?? '',
    name: cut(span.name, TEXT.name),
    kind: span.kind === 'unspecified' ? 'internal' : span.kind,
    startUs,
    durationMs: Math.max(0, usOf(span.endNanos) - startUs) / 1_000,
    error: span.status === 'error',
    attributes: attributesOf(span),
  };
}

function usOf(nanos: bigint): number {
  return Number(nanos / 1_000n);
}

function attributesOf({ attributes }: Span): Record<string, string> {
  const entries = [...attributes].slice(0, LIMITS.attributesOfSpan);
  return Object.fromEntries(
    entries.map(([name, value]) => [cut(name, TEXT.name), cut(textOfValue(value), TEXT.sentence)]),
  );
}

function textOfValue(value: unknown): string {
  if (Array.isArray(value)) return value.map(textOfValue).join(', ');
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value);
}

/** About what a span takes in memory: its texts at two bytes a character, and its objects. */
export function bytesOf({ name, service, attributes }: KeptSpan): number {
  const texts = Object.entries(attributes).flat();
  return texts.reduce((sum, text) => sum + 2 * text.length + 16, 2 * (name.length + service.length) + 240);
}
