/** How deep each span of a trace lies. */
import type { SpanView } from '../../../src/wire/model.ts';

/** By the span's ID; a span whose parent is not there is at the top. Parents come before children. */
export function depthsOf(tree: readonly SpanView[]): ReadonlyMap<string, number> {
  const depths = new Map<string, number>();
  for (const { spanId, parentSpanId } of tree) {
    const parent = parentSpanId === undefined ? undefined : depths.get(parentSpanId);
    depths.set(spanId, parent === undefined ? 0 : parent + 1);
  }
  return depths;
}
