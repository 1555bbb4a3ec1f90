/** Spans into the model: traces, who sent them, the chain of a call, and PostgreSQL's edge. */
import type { Span } from '@countersign/otlp-receiver';
import { ATTRIBUTES } from '@countersign/telemetry';
import type { Edges } from './edges.ts';
import { cut, defined, listOf, textOf, timeOf } from './facts.ts';
import { TEXT } from './limits.ts';
import type { Model } from './model.ts';
import { type Sender, senderOf } from './sender.ts';

export function takeSpans(model: Model, spans: readonly Span[], nowMs: number): void {
  for (const span of spans) {
    const sender = senderOf(span.resource);
    if (sender === undefined) continue;
    model.workloads.report(sender, nowMs);
    nameSender(model, span, sender);
    if (span.kind === 'server') model.edges.addSpan(span.spanId, factsOf(span));
    if (isStatement(span)) addStatement(model, span, nowMs);
  }
  model.traces.add(spans);
}

function nameSender({ workloads }: Model, { attributes }: Span, sender: Sender): void {
  const id = textOf(attributes, ATTRIBUTES.selfId, TEXT.id);
  if (id !== undefined) workloads.named(sender, { id, serial: textOf(attributes, ATTRIBUTES.svidSerial, TEXT.name) });
}

function factsOf({ attributes }: Span): Parameters<Edges['addSpan']>[1] {
  const chain = listOf(attributes, ATTRIBUTES.chain);
  const [decisionId, rule] = [textOf(attributes, ATTRIBUTES.decisionId), textOf(attributes, ATTRIBUTES.rule)];
  return defined({ chain: chain.length === 0 ? undefined : chain, decisionId, rule });
}

/** Names that OpenTelemetry's instrumentation of `pg` gives to spans. */
const QUERY = 'pg.query:';
const CONNECT = 'pg.connect';
/** What frames a transaction is no call of its own. */
const FRAME = /^(?:BEGIN|COMMIT|ROLLBACK)\b/;

function isStatement({ kind, name, status, attributes }: Span): boolean {
  if (kind !== 'client' || attributes.get('db.system.name') !== 'postgresql') return false;
  if (name.startsWith(QUERY)) return !FRAME.test(name.slice(QUERY.length));
  // A connection matters when there is none.
  return name === CONNECT && status === 'error';
}

function addStatement({ workloads, edges }: Model, span: Span, nowMs: number): void {
  const { attributes, name, status, traceId } = span;
  const from = textOf(attributes, ATTRIBUTES.selfId, TEXT.id);
  const to = textOf(attributes, ATTRIBUTES.peerId, TEXT.id);
  const at = timeOf(span.endNanos, nowMs);
  if (from === undefined || to === undefined || !workloads.seen(to, at, true)) return;
  const chain = listOf(attributes, ATTRIBUTES.chain);
  edges.add({
    ...{ from, to, at, traceId, chain, transport: 'postgres' },
    outcome: status === 'error' ? 'error' : 'allow',
    durationMs: Math.max(0, Number((span.endNanos - span.startNanos) / 1_000n) / 1_000),
    operation: cut(name.startsWith(QUERY) ? name.slice(QUERY.length) : 'connect', TEXT.name),
    ...defined({ txn: textOf(attributes, ATTRIBUTES.txn, TEXT.name) }),
  });
}
