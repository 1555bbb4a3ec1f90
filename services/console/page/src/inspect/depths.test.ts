import { deepEqual } from 'node:assert/strict';
import { it } from 'node:test';
import type { SpanView } from '../../../src/wire/model.ts';
import { depthsOf } from './depths.ts';

function span(spanId: string, parentSpanId?: string): SpanView {
  const rest = {
    service: 's',
    name: 'n',
    kind: 'internal',
    offsetMs: 0,
    durationMs: 1,
    error: false,
    attributes: {},
  } as const;
  return parentSpanId === undefined ? { spanId, ...rest } : { spanId, parentSpanId, ...rest };
}

it('a span lies one below its parent, and at the top when its parent is not there', () => {
  const depths = depthsOf([
    span('a'),
    span('b', 'a'),
    span('c', 'b'),
    span('d', 'a'),
    span('e', 'lost'),
    span('f', 'e'),
  ]);
  deepEqual([...depths.values()], [0, 1, 2, 1, 0, 1]);
});
