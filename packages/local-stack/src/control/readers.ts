/**
 * Reads what came over the control socket: a reader gives the value in its type, or says which rule it breaks and where.
 * Both ends read by the same table, so that neither believes the other's shapes.
 */
import { LocalStackError } from '../errors.ts';

/** @param at where the value stands, for the message */
export type Reader<T> = (value: unknown, at: string) => T;

/** A reader for each member; {@link optional} for those that may be missing. */
export type Shape<T> = { readonly [Name in keyof T]-?: Reader<T[Name]> };

/** A text of so many characters at most. */
export function text(maxLength: number = Number.POSITIVE_INFINITY): Reader<string> {
  return (value, at) => {
    if (typeof value !== 'string') throw broken(at, 'must be a text', value);
    if (value.length > maxLength) throw refuse(`${at} must have at most ${maxLength} characters, got ${value.length}`);
    return value;
  };
}

/** A finite number. */
export const number: Reader<number> = (value, at) => {
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw broken(at, 'must be a number', value);
};

/** `true` or `false`. */
export const boolean: Reader<boolean> = (value, at) => {
  if (typeof value === 'boolean') return value;
  throw broken(at, 'must be true or false', value);
};

/** One of these texts. */
export function oneOf<const Choice extends string>(...choices: readonly Choice[]): Reader<Choice> {
  return (value, at) => {
    const found = choices.find((choice) => choice === value);
    if (found !== undefined) return found;
    throw broken(at, `must be one of ${choices.join(', ')}`, value);
  };
}

/** Whatever JSON can say; whoever uses it looks at it himself. It must be there. */
export const anything: Reader<unknown> = (value, at) => {
  if (value !== undefined) return value;
  throw refuse(`${at} is missing`);
};

/** A list whose members are all read alike. */
export function list<T>(member: Reader<T>, maxLength: number = Number.POSITIVE_INFINITY): Reader<readonly T[]> {
  return (value, at) => {
    if (!Array.isArray(value)) throw broken(at, 'must be a list', value);
    if (value.length > maxLength) throw refuse(`${at} must have at most ${maxLength} members, got ${value.length}`);
    return value.map((each, index) => member(each, `${at}[${index}]`));
  };
}

/** The same, or nothing. */
export function optional<T>(reader: Reader<T>): Reader<T | undefined> {
  return (value, at) => (value === undefined ? undefined : reader(value, at));
}

/** An object with these members; others are left out. */
export function object<T extends object>(shape: Shape<T>): Reader<T> {
  return (value, at) => read(shape, membersOf(value, at), at);
}

/** An object with these members and no other: what is asked for and not known must not pass unseen. */
export function exactly<T extends object>(shape: Shape<T>): Reader<T> {
  return (value, at) => {
    const members = membersOf(value, at);
    const names = Object.keys(shape);
    const unknown = Object.keys(members).find((name) => !names.includes(name));
    if (unknown === undefined) return read(shape, members, at);
    throw refuse(`${at} has no member ${quote(unknown)}; there are ${names.join(', ') || 'none'}`);
  };
}

/** An object whose members all have values of one kind. */
export function record<T>(member: Reader<T>): Reader<Readonly<Record<string, T>>> {
  return (value, at) =>
    Object.fromEntries(
      Object.entries(membersOf(value, at)).map(([name, each]) => [name, member(each, `${at}.${name}`)]),
    );
}

/** Refuses a request, or an answer, with the rule that it breaks. */
export function refuse(rule: string, options?: { readonly cause?: unknown }): LocalStackError {
  return new LocalStackError('CONTROL_REQUEST', `control: ${rule}`, options);
}

/** Quoted and cut: what came from elsewhere is never repeated in full. */
export function quote(value: unknown): string {
  const written = JSON.stringify(value) ?? String(value);
  return written.length <= 80 ? written : `${written.slice(0, 79)}…`;
}

function broken(at: string, rule: string, value: unknown): LocalStackError {
  return refuse(value === undefined ? `${at} is missing` : `${at} ${rule}, got ${quote(value)}`);
}

function membersOf(value: unknown, at: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw broken(at, 'must be an object', value);
  return { ...value };
}

function read<T extends object>(shape: Shape<T>, members: Readonly<Record<string, unknown>>, at: string): T {
  const found = Object.entries<Reader<unknown>>(shape).map(([name, reader]) => [
    name,
    reader(Object.hasOwn(members, name) ? members[name] : undefined, `${at}.${name}`),
  ]);
  // Each member was read by the reader that the shape has for it.
  return Object.fromEntries(found.filter(([, value]) => value !== undefined)) as T;
}
