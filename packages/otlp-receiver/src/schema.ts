/**
 * The messages of OTLP, as far as they are read: each field's number for the protobuf encoding and its name for the JSON
 * encoding. One table for both, so that they can't come to mean different things.
 * @see https://github.com/open-telemetry/opentelemetry-proto/tree/v1.10.0/opentelemetry/proto
 */
import type { Attributes, PlainValue } from './values.ts';

/** What fields of each kind are read into. A field that did not come has the first, or is absent where `undefined` stands. */
export interface KindValues {
  readonly text: string;
  /** `bytes` that are an ID, in hexadecimal. JSON has them in hexadecimal too, unlike all other bytes. */
  readonly hex: string;
  /** `fixed64`. */
  readonly nanos: bigint;
  /** `enum`. */
  readonly choice: number;
  /** In a `oneof`. */
  readonly double: number | undefined;
  /** `sfixed64` in a `oneof`. */
  readonly int: bigint | undefined;
  readonly value: PlainValue | undefined;
  /** Repeated `KeyValue`. */
  readonly attributes: Attributes;
}

/** Kind of a field: a plain one, one message, or many. */
export type FieldKind = keyof KindValues | { readonly one: Message } | { readonly many: Message };

/** A field's number and kind. */
export type Field = readonly [number: number, kind: FieldKind];

/** Fields by their JSON names. */
export interface Message {
  readonly [name: string]: Field;
}

/** What a message is read into. */
export type Read<M extends Message> = {
  readonly [Name in keyof M]: ReadKind<M[Name] extends Field ? M[Name][1] : never>;
};

type ReadKind<Kind extends FieldKind> = Kind extends keyof KindValues
  ? KindValues[Kind]
  : Kind extends { readonly many: infer Inner extends Message }
    ? ReadonlyArray<Read<Inner>>
    : Kind extends { readonly one: infer Inner extends Message }
      ? Read<Inner> | undefined
      : never;

const RESOURCE = { attributes: [1, 'attributes'] } as const satisfies Message;

const SPAN = {
  traceId: [1, 'hex'],
  spanId: [2, 'hex'],
  parentSpanId: [4, 'hex'],
  name: [5, 'text'],
  kind: [6, 'choice'],
  startTimeUnixNano: [7, 'nanos'],
  endTimeUnixNano: [8, 'nanos'],
  attributes: [9, 'attributes'],
  status: [15, { one: { message: [2, 'text'], code: [3, 'choice'] } }],
} as const satisfies Message;

const LOG_RECORD = {
  timeUnixNano: [1, 'nanos'],
  observedTimeUnixNano: [11, 'nanos'],
  severityNumber: [2, 'choice'],
  severityText: [3, 'text'],
  body: [5, 'value'],
  attributes: [6, 'attributes'],
  traceId: [9, 'hex'],
  spanId: [10, 'hex'],
  eventName: [12, 'text'],
} as const satisfies Message;

const NUMBER_POINTS = {
  dataPoints: [
    1,
    {
      many: {
        attributes: [7, 'attributes'],
        timeUnixNano: [3, 'nanos'],
        asDouble: [4, 'double'],
        asInt: [6, 'int'],
      },
    },
  ],
} as const satisfies Message;

/** Only counted: nothing here asks for what is in them. */
const OTHER_POINTS = { dataPoints: [1, { many: {} }] } as const satisfies Message;

const METRIC = {
  name: [1, 'text'],
  unit: [3, 'text'],
  gauge: [5, { one: NUMBER_POINTS }],
  sum: [7, { one: NUMBER_POINTS }],
  histogram: [9, { one: OTHER_POINTS }],
  exponentialHistogram: [10, { one: OTHER_POINTS }],
  summary: [11, { one: OTHER_POINTS }],
} as const satisfies Message;

/** `ExportTraceServiceRequest`. */
export const TRACE_EXPORT = {
  resourceSpans: [
    1,
    { many: { resource: [1, { one: RESOURCE }], scopeSpans: [2, { many: { spans: [2, { many: SPAN }] } }] } },
  ],
} as const satisfies Message;

/** `ExportLogsServiceRequest`. */
export const LOGS_EXPORT = {
  resourceLogs: [
    1,
    { many: { resource: [1, { one: RESOURCE }], scopeLogs: [2, { many: { logRecords: [2, { many: LOG_RECORD }] } }] } },
  ],
} as const satisfies Message;

/** `ExportMetricsServiceRequest`. */
export const METRICS_EXPORT = {
  resourceMetrics: [
    1,
    { many: { resource: [1, { one: RESOURCE }], scopeMetrics: [2, { many: { metrics: [2, { many: METRIC }] } }] } },
  ],
} as const satisfies Message;

/** A message in which no field came. Fields that are lists of messages begin empty and are filled by whoever reads. */
export function emptyMessage(message: Message): Record<string, unknown> {
  return Object.fromEntries(Object.entries(message).map(([name, [, kind]]) => [name, emptyValue(kind)]));
}

function emptyValue(kind: FieldKind): unknown {
  if (kind === 'text' || kind === 'hex') return '';
  if (kind === 'nanos') return 0n;
  if (kind === 'choice') return 0;
  if (kind === 'attributes') return new Map<string, PlainValue>();
  return typeof kind === 'object' && 'many' in kind ? [] : undefined;
}
