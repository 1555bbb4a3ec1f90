/**
 * Reads messages of the schema in their protobuf encoding. Fields that the schema does not name, and fields in a wire type
 * that is not theirs, are skipped, as protobuf says; of a message that came twice where one belongs, the last one counts.
 */
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { OtlpError } from './errors.ts';
import type { Budget } from './limits.ts';
import { plainInteger } from './plain-integer.ts';
import { emptyMessage, type FieldKind, type Message, type Read } from './schema.ts';
import type { PlainValue } from './values.ts';

/** Reads one export. @throws {OtlpError} on bytes that are none, and beyond the budget */
export function readProtobuf<M extends Message>(message: M, bytes: Uint8Array, budget: Budget): Read<M> {
  try {
    const reader = new BinaryReader(bytes);
    // The table's fields are what the mapped type says of it; TypeScript can't follow that through a loop.
    return readMessage({ reader, budget }, message, reader.len) as Read<M>;
  } catch (error) {
    if (error instanceof OtlpError) throw error;
    const { message: why } = error instanceof Error ? error : new Error(String(error));
    throw new OtlpError('EXPORT_MALFORMED', `export: must be protobuf, got ${why}`, { cause: error });
  }
}

interface Source {
  readonly reader: BinaryReader;
  readonly budget: Budget;
}

type NamedField = readonly [name: string, kind: FieldKind];

/** By number. Messages are constants, and each is looked up for every span. */
const fieldsOf = new WeakMap<Message, ReadonlyMap<number, NamedField>>();

function fieldsByNumber(message: Message): ReadonlyMap<number, NamedField> {
  const known = fieldsOf.get(message);
  if (known !== undefined) return known;
  const fields = new Map(Object.entries(message).map(([name, [number, kind]]) => [number, [name, kind] as const]));
  fieldsOf.set(message, fields);
  return fields;
}

function readMessage(source: Source, message: Message, end: number): Record<string, unknown> {
  source.budget.spend();
  const read = emptyMessage(message);
  const fields = fieldsByNumber(message);
  eachField(source.reader, end, (number, type) => {
    const field = fields.get(number);
    return field !== undefined && readField(source, type, field, read);
  });
  return read;
}

/** Calls back at each field; what it does not take is skipped. */
function eachField(reader: BinaryReader, end: number, take: (number: number, type: WireType) => boolean): void {
  while (reader.pos < end) {
    const [number, type] = reader.tag();
    if (!take(number, type)) reader.skip(type, number);
    if (reader.pos > end) throw new RangeError('a field that reaches beyond its message');
  }
}

/** Puts one field into what was read; false for a wire type that is not the kind's. */
function readField(source: Source, type: WireType, [name, kind]: NamedField, read: Record<string, unknown>): boolean {
  if (type !== wireTypeOf(kind)) return false;
  const { reader } = source;
  if (kind === 'attributes') addAttribute(source, read[name]);
  else if (kind === 'value') read[name] = readValue(source, endOf(reader), 1);
  else if (typeof kind === 'object') readInner(source, kind, read, name);
  else read[name] = readPlain(reader, kind);
  return true;
}

function wireTypeOf(kind: FieldKind): WireType {
  if (kind === 'nanos' || kind === 'int' || kind === 'double') return WireType.Bit64;
  return kind === 'choice' ? WireType.Varint : WireType.LengthDelimited;
}

function readPlain(reader: BinaryReader, kind: 'text' | 'hex' | 'nanos' | 'choice' | 'double' | 'int'): unknown {
  if (kind === 'text') return reader.string();
  if (kind === 'hex') return Buffer.from(reader.bytes()).toString('hex');
  if (kind === 'nanos') return BigInt(reader.fixed64());
  if (kind === 'choice') return reader.int32();
  return kind === 'double' ? reader.double() : BigInt(reader.sfixed64());
}

function readInner(
  source: Source,
  kind: Exclude<FieldKind, string>,
  read: Record<string, unknown>,
  name: string,
): void {
  const end = endOf(source.reader);
  if ('one' in kind) read[name] = readMessage(source, kind.one, end);
  else if (Array.isArray(read[name])) read[name].push(readMessage(source, kind.many, end));
}

/** Where the message that begins here ends. */
function endOf(reader: BinaryReader): number {
  const length = reader.uint32();
  const end = reader.pos + length;
  if (end > reader.len) throw new RangeError('a message that is cut off');
  return end;
}

function addAttribute(source: Source, attributes: unknown): void {
  const [key, value] = readPair(source, endOf(source.reader), 1);
  if (attributes instanceof Map) attributes.set(key, value);
}

function readPair(source: Source, end: number, depth: number): [string, PlainValue] {
  const { reader } = source;
  let key = '';
  let value: PlainValue = null;
  eachField(reader, end, (number, type) => {
    if (type !== WireType.LengthDelimited || number > 2) return false;
    if (number === 1) key = reader.string();
    else value = readValue(source, endOf(reader), depth);
    return true;
  });
  return [key, value];
}

/** An `AnyValue`; one that is empty is null. */
function readValue(source: Source, end: number, depth: number): PlainValue {
  source.budget.spend(depth);
  const { reader } = source;
  let value: PlainValue = null;
  eachField(reader, end, (number, type) => {
    const key = `${number}:${type}`;
    if (key === '1:2') value = reader.string();
    else if (key === '2:0') value = reader.bool();
    else if (key === '3:0') value = plainInteger(BigInt(reader.int64()));
    else if (key === '4:1') value = reader.double();
    else if (key === '5:2') value = readList(source, endOf(reader), depth + 1);
    else if (key === '6:2') value = readObject(source, endOf(reader), depth + 1);
    else if (key === '7:2') value = Buffer.from(reader.bytes()).toString('base64');
    else return false;
    return true;
  });
  return value;
}

function readList(source: Source, end: number, depth: number): PlainValue[] {
  const list: PlainValue[] = [];
  eachField(source.reader, end, (number, type) => {
    if (number !== 1 || type !== WireType.LengthDelimited) return false;
    list.push(readValue(source, endOf(source.reader), depth));
    return true;
  });
  return list;
}

function readObject(source: Source, end: number, depth: number): PlainValue {
  const pairs: [string, PlainValue][] = [];
  eachField(source.reader, end, (number, type) => {
    if (number !== 1 || type !== WireType.LengthDelimited) return false;
    pairs.push(readPair(source, endOf(source.reader), depth));
    return true;
  });
  return Object.fromEntries(pairs);
}
