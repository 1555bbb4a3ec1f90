/** Reads OTLP's JSON encoding into what tests ask about: spans, metrics with their points, and log records. */

/** A span as a test needs it. */
export interface ReceivedSpan {
  readonly service: string;
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  /** 1 internal, 2 server, 3 client (OTLP's numbers). */
  readonly kind: number;
  /** A list is its values, joined with a comma. */
  readonly attributes: Readonly<Record<string, string>>;
}

/** One point of a metric, of the latest export that had it. */
export interface ReceivedPoint {
  readonly service: string;
  readonly name: string;
  readonly unit: string;
  readonly labels: Readonly<Record<string, string>>;
  /** A number, or how many a histogram counted. */
  readonly value: number;
  /** Upper bounds of a histogram's buckets. */
  readonly bounds?: readonly number[];
}

/** A log record. */
export interface ReceivedLog {
  readonly service: string;
  readonly event: string;
  readonly severity: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly attributes: Readonly<Record<string, string>>;
}

type AnyValue = Readonly<Record<string, unknown>>;
interface OtlpAttribute {
  readonly key: string;
  readonly value: AnyValue;
}
type Attributes = readonly OtlpAttribute[];
interface Resource {
  readonly resource?: { readonly attributes?: Attributes };
}
type OtlpSpan = Omit<ReceivedSpan, 'service' | 'attributes'> & { readonly attributes?: Attributes };
interface OtlpPoint {
  readonly attributes?: Attributes;
  readonly asInt?: string | number;
  readonly asDouble?: number;
  readonly count?: string | number;
  readonly explicitBounds?: readonly number[];
}
interface OtlpMetric {
  readonly name: string;
  readonly unit?: string;
  readonly sum?: { readonly dataPoints: readonly OtlpPoint[] };
  readonly gauge?: { readonly dataPoints: readonly OtlpPoint[] };
  readonly histogram?: { readonly dataPoints: readonly OtlpPoint[] };
}
interface OtlpLog {
  readonly eventName?: string;
  readonly severityText?: string;
  readonly traceId?: string;
  readonly spanId?: string;
  readonly attributes?: Attributes;
}
interface OtlpExport {
  readonly resourceSpans?: ReadonlyArray<Resource & { scopeSpans?: ReadonlyArray<{ spans?: readonly OtlpSpan[] }> }>;
  readonly resourceMetrics?: ReadonlyArray<
    Resource & { scopeMetrics?: ReadonlyArray<{ metrics?: readonly OtlpMetric[] }> }
  >;
  readonly resourceLogs?: ReadonlyArray<Resource & { scopeLogs?: ReadonlyArray<{ logRecords?: readonly OtlpLog[] }> }>;
}

export function readSpans(text: string): ReceivedSpan[] {
  return parse(text, 'resourceSpans').flatMap(({ resource, scopeSpans = [] }) =>
    scopeSpans
      .flatMap(({ spans = [] }) => spans)
      .map((span) => ({
        ...span,
        service: serviceOf(resource),
        parentSpanId: span.parentSpanId ?? '',
        attributes: flatten(span.attributes),
      })),
  );
}

export function readPoints(text: string): ReceivedPoint[] {
  return parse(text, 'resourceMetrics').flatMap(({ resource, scopeMetrics = [] }) =>
    scopeMetrics
      .flatMap((scope) => scope.metrics ?? [])
      .flatMap(({ name, unit = '', sum, gauge, histogram }) =>
        (sum ?? gauge ?? histogram)?.dataPoints.map((point) => ({
          service: serviceOf(resource),
          name,
          unit,
          labels: flatten(point.attributes),
          value: Number(point.asDouble ?? point.asInt ?? point.count ?? Number.NaN),
          ...(point.explicitBounds === undefined ? {} : { bounds: point.explicitBounds }),
        })),
      )
      .filter((point) => point !== undefined),
  );
}

export function readLogs(text: string): ReceivedLog[] {
  return parse(text, 'resourceLogs').flatMap(({ resource, scopeLogs = [] }) =>
    scopeLogs
      .flatMap(({ logRecords = [] }) => logRecords)
      .map((record) => ({
        service: serviceOf(resource),
        event: record.eventName ?? '',
        severity: record.severityText ?? '',
        traceId: record.traceId ?? '',
        spanId: record.spanId ?? '',
        attributes: flatten(record.attributes),
      })),
  );
}

function parse<Name extends keyof OtlpExport>(text: string, name: Name): NonNullable<OtlpExport[Name]> | [] {
  const document: OtlpExport = JSON.parse(text);
  return document[name] ?? [];
}

function serviceOf(resource: Resource['resource']): string {
  return flatten(resource?.attributes)['service.name'] ?? '';
}

function flatten(attributes: Attributes = []): Record<string, string> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, textOf(value)]));
}

function textOf(value: AnyValue): string {
  const [inner] = Object.values(value);
  if (typeof inner !== 'object' || inner === null) return String(inner);
  if (!('values' in inner) || !Array.isArray(inner.values)) return JSON.stringify(inner);
  return inner.values.map((entry: AnyValue) => textOf(entry)).join(',');
}
