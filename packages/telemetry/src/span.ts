/**
 * What the rest of the code needs of the span that is running: its IDs for a log line or an answer, and a way to put
 * registered attributes on it. Nothing else in the repository imports the OpenTelemetry API.
 */
import { isSpanContextValid, trace } from '@opentelemetry/api';
import type { AttributeName } from './attributes.ts';

/** The IDs of a span, as W3C Trace Context writes them. */
export interface TraceIds {
  /** 32 lower-case hexadecimal digits. */
  readonly trace_id: string;
  /** 16 lower-case hexadecimal digits. */
  readonly span_id: string;
}

/** IDs of the active span, recorded or not; `undefined` outside any span. */
export function activeTraceIds(): TraceIds | undefined {
  const spanContext = trace.getActiveSpan()?.spanContext();
  if (spanContext === undefined || !isSpanContextValid(spanContext)) return undefined;
  return { trace_id: spanContext.traceId, span_id: spanContext.spanId };
}

/** Registered attributes; those without a value are left out. */
export type SpanAttributes = Readonly<Partial<Record<AttributeName, string | string[] | undefined>>>;

/** Puts attributes on the active span. */
export function annotateSpan(attributes: SpanAttributes): void {
  trace.getActiveSpan()?.setAttributes(attributes);
}

/**
 * Names the active server span after its route, so that a thousand orders are one line in a trace viewer.
 * @param route method and template, `GET /orders/{id}`
 */
export function nameSpanByRoute(route: string): void {
  trace
    .getActiveSpan()
    ?.updateName(route)
    .setAttribute('http.route', route.slice(route.indexOf(' ') + 1));
}
