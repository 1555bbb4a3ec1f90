/**
 * Decoders: from what JSON.parse gave to the wire types, or an error that names the place. Each is checked by the compiler
 * against the type that it promises: a field that is added to a wire type and not decoded here does not compile. The only
 * casts of the page are in this file.
 */

/** Gives the value, or throws a {@link DecodeError} with its place. */
export type Decoder<T> = (value: unknown, at: string) => T;

/** A field that may be left out. */
export interface OptionalField<T> {
  readonly optional: Decoder<T>;
}

/** A decoder for each field of T. */
export type Fields<T> = {
  readonly [K in keyof T]-?: Record<string, never> extends Pick<T, K>
    ? OptionalField<Exclude<T[K], undefined>>
    : Decoder<T[K]>;
};

/** An answer that is not what the wire types say. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError';
  constructor(expected: string, got: unknown, at: string) {
    super(`answer${at}: expected ${expected}, got ${describe(got)}`);
  }
}

const LONGEST = 60;

function describe(value: unknown): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value);
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}...` : text;
}

/** Any text. */
export const text: Decoder<string> = (value, at) => {
  if (typeof value !== 'string') throw new DecodeError('text', value, at);
  return value;
};

/** A finite number. */
export const number: Decoder<number> = (value, at) => {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw new DecodeError('a number', value, at);
  return value;
};

/** true or false. */
export const flag: Decoder<boolean> = (value, at) => {
  if (typeof value !== 'boolean') throw new DecodeError('true or false', value, at);
  return value;
};

/** Whatever it is. */
export const anything: Decoder<unknown> = (value) => value;

/** One of the words. */
export function oneOf<const T extends string>(...words: readonly T[]): Decoder<T> {
  return (value, at) => {
    const word = words.find((candidate) => candidate === value);
    if (word === undefined) throw new DecodeError(`one of ${words.join(', ')}`, value, at);
    return word;
  };
}

/** A list of them. */
export function list<T>(item: Decoder<T>): Decoder<readonly T[]> {
  return (value, at) => {
    if (!Array.isArray(value)) throw new DecodeError('a list', value, at);
    return value.map((entry: unknown, index) => item(entry, `${at}/${index}`));
  };
}

/** An object with any keys, all of whose values are alike. */
export function recordOf<T>(item: Decoder<T>): Decoder<Readonly<Record<string, T>>> {
  return (value, at) =>
    Object.fromEntries(Object.entries(toRecord(value, at)).map(([key, entry]) => [key, item(entry, `${at}/${key}`)]));
}

/** A field that may be left out; `null` counts as left out. */
export function optional<T>(decoder: Decoder<T>): OptionalField<T> {
  return { optional: decoder };
}

/** An object with exactly these fields; others are ignored, so that a newer console can say more. */
export function object<T extends object>(fields: Fields<T>): Decoder<T> {
  return (value, at) => {
    const record = toRecord(value, at);
    const decoded: Record<string, unknown> = {};
    for (const [key, field] of Object.entries<Decoder<unknown> | OptionalField<unknown>>(fields)) {
      const given = Object.hasOwn(record, key) ? record[key] : undefined;
      if (typeof field === 'function') decoded[key] = field(given, `${at}/${key}`);
      else if (given !== undefined && given !== null) decoded[key] = field.optional(given, `${at}/${key}`);
    }
    return decoded as T;
  };
}

/** An object, as a record of unknowns. */
export function toRecord(value: unknown, at: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new DecodeError('an object', value, at);
  return value as Readonly<Record<string, unknown>>;
}
