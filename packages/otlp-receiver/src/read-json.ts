/**
 * Reads messages of the schema in OTLP's JSON encoding: protobuf's own, but with IDs in hexadecimal and enumerations as
 * numbers. Names that the schema does not have are ignored.
 * @see https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
 */
import { OtlpError } from './errors.ts';
import type { Budget } from './limits.ts';
import { plainInteger } from './plain-integer.ts';
import { emptyMessage, type FieldKind, type Message, type Read } from './schema.ts';
import type { PlainValue } from './values.ts';

/** Reads one export. @throws {OtlpError} on text that is none, and beyond the budget */
export function readJson<M extends Message>(message: M, bytes: Uint8Array, budget: Budget): Read<M> {
  // The table's fields are what the mapped type says of it; TypeScript can't follow that through a loop.
  return readMessage(parse(bytes), message, { at: 'export', budget }) as Read<M>;
}

interface Place {
  /** Of the value, for error messages. */
  readonly at: string;
  readonly budget: Budget;
}

type JsonObject = Readonly<Record<string, unknown>>;

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch (error) {
    throw new OtlpError('EXPORT_MALFORMED', 'export: must be JSON', { cause: error });
  }
}

function readMessage(json: unknown, message: Message, place: Place): Record<string, unknown> {
  place.budget.spend();
  const object = objectOf(json, place.at);
  const read = emptyMessage(message);
  for (const [name, [, kind]] of Object.entries(message)) {
    const value = own(object, name);
    // Null is the JSON encoding's other way to say that a field did not come.
    if (value !== undefined && value !== null) read[name] = readField(value, kind, { ...place, at: name });
  }
  return read;
}

function readField(json: unknown, kind: FieldKind, place: Place): unknown {
  if (kind === 'text') return textOf(json, place.at);
  if (kind === 'hex') return hexOf(json, place.at);
  if (kind === 'nanos') return BigInt.asUintN(64, integerOf(json, place.at));
  if (kind === 'int') return BigInt.asIntN(64, integerOf(json, place.at));
  if (kind === 'choice') return choiceOf(json, place.at);
  if (kind === 'double') return doubleOf(json, place.at);
  if (kind === 'value') return readValue(json, place, 1);
  if (kind === 'attributes') return new Map(pairsOf(json, place, 1));
  if ('one' in kind) return readMessage(json, kind.one, place);
  return listOf(json, place.at).map((entry) => readMessage(entry, kind.many, place));
}

function pairsOf(json: unknown, place: Place, depth: number): [string, PlainValue][] {
  return listOf(json, place.at).map((entry) => {
    const pair = objectOf(entry, place.at);
    const key = own(pair, 'key') ?? '';
    const value = own(pair, 'value') ?? {};
    return [textOf(key, `${place.at}: key`), readValue(value, place, depth)];
  });
}

/** An `AnyValue`; one that is empty is null. */
function readValue(json: unknown, place: Place, depth: number): PlainValue {
  place.budget.spend(depth);
  const { at } = place;
  const object = objectOf(json, at);
  const of = (name: string) => own(object, name) ?? undefined;
  const [text, flag, integer, double] = [of('stringValue'), of('boolValue'), of('intValue'), of('doubleValue')];
  if (text !== undefined) return textOf(text, at);
  if (flag !== undefined) return flag === true || (flag !== false && refuse(at, 'true or false', flag));
  if (integer !== undefined) return plainInteger(integerOf(integer, at));
  if (double !== undefined) return doubleOf(double, at);
  const [list, object_, bytes] = [of('arrayValue'), of('kvlistValue'), of('bytesValue')];
  const values = (inner: unknown) => own(objectOf(inner, at), 'values') ?? [];
  if (list !== undefined) return listOf(values(list), at).map((entry) => readValue(entry, place, depth + 1));
  if (object_ !== undefined) return Object.fromEntries(pairsOf(values(object_), place, depth + 1));
  return bytes === undefined ? null : textOf(bytes, at);
}

function own(object: JsonObject, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

function isObject(json: unknown): json is JsonObject {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

function objectOf(json: unknown, at: string): JsonObject {
  return isObject(json) ? json : refuse(at, 'an object', json);
}

function listOf(json: unknown, at: string): readonly unknown[] {
  return Array.isArray(json) ? json : refuse(at, 'a list', json);
}

function textOf(json: unknown, at: string): string {
  return typeof json === 'string' ? json : refuse(at, 'text', json);
}

function hexOf(json: unknown, at: string): string {
  const text = textOf(json, at);
  return /^(?:[0-9a-fA-F]{2}){0,32}$/.test(text) ? text.toLowerCase() : refuse(at, 'an ID in hexadecimal', json);
}

function choiceOf(json: unknown, at: string): number {
  return typeof json === 'number' && Number.isInteger(json) ? json : refuse(at, 'the number of an enumeration', json);
}

/** Whole numbers of 64 bits are text, so that they stay exact; numbers are let pass. */
function integerOf(json: unknown, at: string): bigint {
  if (typeof json === 'string' && /^-?\d{1,20}$/.test(json)) return BigInt(json);
  return typeof json === 'number' && Number.isInteger(json) ? BigInt(json) : refuse(at, 'a whole number', json);
}

/** Protobuf's JSON writes what JSON has no number for as text. */
function doubleOf(json: unknown, at: string): number {
  if (typeof json === 'number') return json;
  const isNumber = typeof json === 'string' && /^(?:NaN|-?Infinity|-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)$/.test(json);
  return isNumber ? Number(json) : refuse(at, 'a number', json);
}

function refuse(at: string, wanted: string, got: unknown): never {
  const text = (JSON.stringify(got) ?? 'nothing').slice(0, 60);
  throw new OtlpError('EXPORT_MALFORMED', `${at}: must be ${wanted}, got ${text}`);
}
