/**
 * Reads a whole export before anything of it is handed on: a malformed one leaves no half behind. A span whose IDs are no
 * IDs is left out by itself, since its neighbours are none the worse for it, and whoever sent it is told.
 */
import { createBudget, EXPORT_LIMITS, type ExportLimits } from './limits.ts';
import { readJson } from './read-json.ts';
import { readProtobuf } from './read-protobuf.ts';
import { LOGS_EXPORT, METRICS_EXPORT, type Message, type Read, TRACE_EXPORT } from './schema.ts';
import type { Attributes, LogRecord, NumberPoint, Span, SpanKind, SpanStatus } from './values.ts';

/** How an export is written. */
export type Encoding = 'protobuf' | 'json';

/** An export's bytes and how to read them. */
export interface EncodedExport {
  readonly encoding: Encoding;
  /** Not compressed. */
  readonly bytes: Uint8Array;
  /** Default {@link EXPORT_LIMITS}. */
  readonly limits?: ExportLimits;
}

/** Spans of an export. */
export interface SpanExport {
  readonly spans: readonly Span[];
  /** How many had no proper trace and span ID. */
  readonly rejected: number;
}

/** Points of an export. */
export interface MetricExport {
  readonly points: readonly NumberPoint[];
  /** How many were of histograms and summaries, which are not read. */
  readonly skipped: number;
}

const KINDS: readonly SpanKind[] = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'];
const STATUSES: readonly SpanStatus[] = ['unset', 'ok', 'error'];
const NOBODY: Attributes = new Map();
const TRACE_ID_DIGITS = 32;
const SPAN_ID_DIGITS = 16;

/** Reads an `ExportTraceServiceRequest`. @throws {OtlpError} */
export function readSpans(source: EncodedExport): SpanExport {
  const all = read(TRACE_EXPORT, source).resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) => spans.map((span) => toSpan(span, resource?.attributes ?? NOBODY))),
  );
  const spans = all.filter((span) => span !== undefined);
  return { spans, rejected: all.length - spans.length };
}

/** Reads an `ExportLogsServiceRequest`. @throws {OtlpError} */
export function readLogs(source: EncodedExport): readonly LogRecord[] {
  return read(LOGS_EXPORT, source).resourceLogs.flatMap(({ resource, scopeLogs }) =>
    scopeLogs.flatMap(({ logRecords }) => logRecords.map((record) => toRecord(record, resource?.attributes ?? NOBODY))),
  );
}

/** Reads an `ExportMetricsServiceRequest`. @throws {OtlpError} */
export function readMetrics(source: EncodedExport): MetricExport {
  const metrics = read(METRICS_EXPORT, source).resourceMetrics.flatMap(({ resource, scopeMetrics }) =>
    scopeMetrics.flatMap((scope) =>
      scope.metrics.map((metric) => ({ metric, resource: resource?.attributes ?? NOBODY })),
    ),
  );
  return {
    points: metrics.flatMap(({ metric, resource }) => toPoints(metric, resource)),
    skipped: metrics.reduce((count, { metric }) => count + otherPoints(metric), 0),
  };
}

function read<M extends Message>(message: M, { encoding, bytes, limits = EXPORT_LIMITS }: EncodedExport): Read<M> {
  return (encoding === 'json' ? readJson : readProtobuf)(message, bytes, createBudget(limits));
}

type WireSpan = Read<typeof TRACE_EXPORT>['resourceSpans'][number]['scopeSpans'][number]['spans'][number];

function toSpan(span: WireSpan, resource: Attributes): Span | undefined {
  const { traceId, spanId, parentSpanId, name, attributes, status } = span;
  if (!isId(traceId, TRACE_ID_DIGITS) || !isId(spanId, SPAN_ID_DIGITS)) return undefined;
  return {
    traceId,
    spanId,
    ...(isId(parentSpanId, SPAN_ID_DIGITS) && { parentSpanId }),
    name,
    kind: KINDS[span.kind] ?? 'unspecified',
    startNanos: span.startTimeUnixNano,
    endNanos: span.endTimeUnixNano,
    status: STATUSES[status?.code ?? 0] ?? 'unset',
    statusMessage: status?.message ?? '',
    attributes,
    resource,
  };
}

type WireRecord = Read<typeof LOGS_EXPORT>['resourceLogs'][number]['scopeLogs'][number]['logRecords'][number];

function toRecord(record: WireRecord, resource: Attributes): LogRecord {
  const { eventName, severityNumber, severityText, body = null, attributes, traceId, spanId } = record;
  return {
    timeNanos: record.timeUnixNano === 0n ? record.observedTimeUnixNano : record.timeUnixNano,
    eventName,
    severityNumber,
    severityText,
    body,
    attributes,
    ...(isId(traceId, TRACE_ID_DIGITS) && { traceId }),
    ...(isId(spanId, SPAN_ID_DIGITS) && { spanId }),
    resource,
  };
}

type WireMetric = Read<typeof METRICS_EXPORT>['resourceMetrics'][number]['scopeMetrics'][number]['metrics'][number];

function toPoints({ name, unit, gauge, sum }: WireMetric, resource: Attributes): NumberPoint[] {
  const kind = gauge === undefined ? 'sum' : 'gauge';
  return ((gauge ?? sum)?.dataPoints ?? []).flatMap(({ asDouble, asInt, timeUnixNano, attributes }) => {
    const value = asDouble ?? asInt;
    // A point without a value says that there was nothing to record.
    if (value === undefined) return [];
    return [{ name, unit, kind, value: Number(value), timeNanos: timeUnixNano, attributes, resource }];
  });
}

function otherPoints({ histogram, exponentialHistogram, summary }: WireMetric): number {
  return [histogram, exponentialHistogram, summary].reduce((count, data) => count + (data?.dataPoints.length ?? 0), 0);
}

/** All zeros is OTLP's way to say that there is none. */
function isId(hex: string, digits: number): boolean {
  return hex.length === digits && /[^0]/.test(hex);
}
