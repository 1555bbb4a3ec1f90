/** A trace as Jaeger's query API writes it, as far as it is asked for here. */
import type { PlainValue, Span } from '@countersign/otlp-receiver';

/** The answer to `/api/traces/{id}`. */
export function traceDocument(traceID: string, spans: readonly Span[]): object {
  const services = [...new Set(spans.map(serviceOf))].sort();
  const processIDs = new Map(services.map((service, index) => [service, `p${index + 1}`]));
  const processes = Object.fromEntries([...processIDs].map(([serviceName, id]) => [id, { serviceName, tags: [] }]));
  return {
    data: [{ traceID, spans: spans.map((span) => spanDocument(span, processIDs.get(serviceOf(span)))), processes }],
  };
}

function spanDocument(span: Span, processID: string | undefined): object {
  const { traceId: traceID, spanId: spanID, parentSpanId } = span;
  const tags = [['span.kind', span.kind] as const, ...span.attributes];
  return {
    traceID,
    spanID,
    operationName: span.name,
    references: parentSpanId === undefined ? [] : [{ refType: 'CHILD_OF', traceID, spanID: parentSpanId }],
    startTime: Number(span.startNanos / 1000n),
    duration: Number((span.endNanos - span.startNanos) / 1000n),
    tags: tags.map(([key, value]) => ({ key, type: 'string', value: textOf(value) })),
    processID,
  };
}

/** `service.name` of who made a span. */
export function serviceOf({ resource }: Span): string {
  return textOf(resource.get('service.name') ?? '');
}

function textOf(value: PlainValue): string {
  return Array.isArray(value) ? value.map(textOf).join(',') : String(value);
}
