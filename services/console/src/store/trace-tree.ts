/** Spans in the order of a waterfall: parents before children, siblings by start. */
import type { SpanView } from '../wire/model.ts';
import type { KeptSpan } from './span-view.ts';

/**
 * A span whose parent is not there stands where a root does. IDs are the sender's own, so they may form a ring: each
 * span comes once, and what hangs in a ring comes last.
 */
export function treeOf(spans: readonly KeptSpan[], startUs: number): SpanView[] {
  const ids = new Set(spans.map(({ spanId }) => spanId));
  const children = Map.groupBy(byStart(spans), ({ parentSpanId = '' }) => (ids.has(parentSpanId) ? parentSpanId : ''));
  const ordered = new Set<KeptSpan>();
  const pending = [...(children.get('') ?? [])].reverse();
  for (let span = pending.pop(); span !== undefined; span = pending.pop()) {
    ordered.add(span);
    pending.push(...[...(children.get(span.spanId) ?? [])].filter((child) => !ordered.has(child)).reverse());
  }
  for (const span of byStart(spans)) ordered.add(span);
  return Array.from(ordered, ({ startUs: at, ...span }) => ({ ...span, offsetMs: Math.max(0, at - startUs) / 1_000 }));
}

function byStart(spans: readonly KeptSpan[]): KeptSpan[] {
  return [...spans].sort((left, right) => left.startUs - right.startUs);
}
