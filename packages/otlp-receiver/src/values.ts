/** What an export is read into: plain values, whichever encoding it came in. */

/**
 * OTLP's `AnyValue`. A whole number beyond what a JavaScript number holds exactly is its decimal digits, bytes are base64,
 * both as OTLP's JSON has them; a list of pairs is an object.
 */
export type PlainValue = string | number | boolean | null | readonly PlainValue[] | PlainObject;

/** A list of pairs; of a key that came twice the last one. */
export interface PlainObject {
  readonly [name: string]: PlainValue;
}

/** Attributes by name; of a name that came twice the last one. */
export type Attributes = ReadonlyMap<string, PlainValue>;

/** A span. IDs are lower-case hexadecimal of the right length. */
export interface Span {
  readonly traceId: string;
  readonly spanId: string;
  /** Absent in a trace's root. */
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: SpanKind;
  /** Nanoseconds since 1970. */
  readonly startNanos: bigint;
  readonly endNanos: bigint;
  readonly status: SpanStatus;
  readonly statusMessage: string;
  readonly attributes: Attributes;
  /** Of who sent it. */
  readonly resource: Attributes;
}

/** Which side of a call a span is. */
export type SpanKind = 'unspecified' | 'internal' | 'server' | 'client' | 'producer' | 'consumer';

/** How it ended, as far as whoever made it says. */
export type SpanStatus = 'unset' | 'ok' | 'error';

/** A log record. */
export interface LogRecord {
  /** Nanoseconds since 1970: when it happened, or else when it was noticed; 0 where neither is known. */
  readonly timeNanos: bigint;
  /** Empty for a record that is no event. */
  readonly eventName: string;
  /** OTLP's number: 1 to 4 trace, to 8 debug, to 12 info, to 16 warn, to 20 error, to 24 fatal; 0 unknown. */
  readonly severityNumber: number;
  readonly severityText: string;
  readonly body: PlainValue;
  readonly attributes: Attributes;
  /** Absent outside a trace. */
  readonly traceId?: string;
  readonly spanId?: string;
  readonly resource: Attributes;
}

/** One point of a gauge or sum. */
export interface NumberPoint {
  readonly name: string;
  readonly unit: string;
  readonly kind: 'gauge' | 'sum';
  readonly value: number;
  /** Nanoseconds since 1970. */
  readonly timeNanos: bigint;
  readonly attributes: Attributes;
  readonly resource: Attributes;
}
