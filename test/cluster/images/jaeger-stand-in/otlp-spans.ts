/**
 * Reads OTLP's protobuf encoding of an export of spans, as far as a page of spans shows it. Field numbers are those of
 * opentelemetry/proto/{collector/trace,trace,common,resource}/v1.
 */
import { BinaryReader } from '@bufbuild/protobuf/wire';

/** A span, its attributes as text. */
export interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly name: string;
  /** OTLP's number. */
  readonly kind: number;
  readonly startNanos: bigint;
  readonly endNanos: bigint;
  readonly attributes: ReadonlyMap<string, string>;
  readonly service: string;
}

type Fields = ReadonlyMap<number, readonly (Uint8Array | bigint)[]>;

/** Of an `ExportTraceServiceRequest`. @throws {Error} on what is no protobuf */
export function readSpans(request: Uint8Array): Span[] {
  return messages(readFields(request), 1).flatMap((resourceSpans) => {
    const resource = messages(resourceSpans, 1).map(attributesOf(1));
    const service = resource[0]?.get('service.name') ?? '';
    return messages(resourceSpans, 2).flatMap((scopeSpans) =>
      messages(scopeSpans, 2).map((span) => readSpan(span, service)),
    );
  });
}

function readSpan(fields: Fields, service: string): Span {
  return {
    traceId: hex(fields, 1),
    spanId: hex(fields, 2),
    parentSpanId: hex(fields, 4),
    name: text(fields, 5),
    kind: Number(number(fields, 6)),
    startNanos: number(fields, 7),
    endNanos: number(fields, 8),
    attributes: attributesOf(9)(fields),
    service,
  };
}

function attributesOf(field: number): (fields: Fields) => Map<string, string> {
  return (fields) =>
    new Map(messages(fields, field).map((pair) => [text(pair, 1), messages(pair, 2).map(valueText).join('')]));
}

/** Of an `AnyValue`: text, yes or no, whole number, number, list. */
function valueText(fields: Fields): string {
  if (fields.has(1)) return text(fields, 1);
  if (fields.has(2)) return String(number(fields, 2) !== 0n);
  if (fields.has(3)) return String(BigInt.asIntN(64, number(fields, 3)));
  if (fields.has(4)) return String(double(number(fields, 4)));
  return messages(fields, 5)
    .flatMap((list) => messages(list, 1))
    .map(valueText)
    .join(',');
}

function double(bits: bigint): number {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, bits);
  return view.getFloat64(0);
}

function readFields(message: Uint8Array): Fields {
  const reader = new BinaryReader(message);
  const fields = new Map<number, (Uint8Array | bigint)[]>();
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    const value = readValue(reader, type);
    if (value === undefined) reader.skip(type, field);
    else fields.set(field, [...(fields.get(field) ?? []), value]);
  }
  return fields;
}

/** Undefined for what no field that is asked for is written as. */
function readValue(reader: BinaryReader, type: number): Uint8Array | bigint | undefined {
  if (type === 0) return BigInt(reader.uint64());
  if (type === 1) return BigInt(reader.fixed64());
  return type === 2 ? reader.bytes() : undefined;
}

function messages(fields: Fields, field: number): Fields[] {
  return bytes(fields, field).map(readFields);
}

function bytes(fields: Fields, field: number): Uint8Array[] {
  return (fields.get(field) ?? []).filter((value) => typeof value !== 'bigint');
}

function number(fields: Fields, field: number): bigint {
  return fields.get(field)?.find((value) => typeof value === 'bigint') ?? 0n;
}

function text(fields: Fields, field: number): string {
  return Buffer.from(bytes(fields, field)[0] ?? []).toString('utf8');
}

function hex(fields: Fields, field: number): string {
  return Buffer.from(bytes(fields, field)[0] ?? []).toString('hex');
}
