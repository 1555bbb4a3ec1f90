/** Decoders of one trace and one decision. */
import type { DecisionDetail, SpanView, TraceDetail } from '../../../src/wire/model.ts';
import { anything, flag, list, number, object, oneOf, optional, recordOf, text } from './decode.ts';

const spanView = object<SpanView>({
  spanId: text,
  parentSpanId: optional(text),
  service: text,
  name: text,
  kind: oneOf('internal', 'server', 'client', 'producer', 'consumer'),
  offsetMs: number,
  durationMs: number,
  error: flag,
  attributes: recordOf(text),
});

/** `GET /api/traces/{traceId}`. */
export const traceDetail = object<TraceDetail>({
  traceId: text,
  startedAt: number,
  durationMs: number,
  name: text,
  spans: number,
  services: list(text),
  outcome: oneOf('allow', 'deny', 'refused', 'error'),
  txn: optional(text),
  tree: list(spanView),
  link: optional(text),
});

/** `GET /api/decisions/{id}`. */
export const decisionDetail = object<DecisionDetail>({
  id: text,
  at: number,
  allow: flag,
  rule: optional(text),
  reason: optional(text),
  self: optional(text),
  peer: optional(text),
  operation: optional(text),
  traceId: optional(text),
  event: anything,
});
