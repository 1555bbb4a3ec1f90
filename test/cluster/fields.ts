/** Reads JSON or YAML of unknown shape: each function returns what it was asked for or throws, with what it found. */

export type Fields = Readonly<Record<string, unknown>>;

/** An object's fields. */
export function fields(value: unknown, what: string): Fields {
  if (isFields(value)) return value;
  throw new Error(`${what}: must be an object, got ${JSON.stringify(value)}`);
}

/** An object's fields, none but those named. */
export function only(value: unknown, names: readonly string[], what: string): Fields {
  const object = fields(value, what);
  const unknown = Object.keys(object).filter((name) => !names.includes(name));
  if (unknown.length > 0) throw new Error(`${what}: unknown field "${unknown.join()}"`);
  return object;
}

/** A list; what is absent is an empty one. */
export function list(value: unknown, what: string): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return value;
  throw new Error(`${what}: must be a list, got ${JSON.stringify(value)}`);
}

/** Text, which may be empty. */
export function text(value: unknown, what: string): string {
  if (typeof value === 'string') return value;
  throw new Error(`${what}: must be text, got ${JSON.stringify(value)}`);
}

/** A list of texts; what is absent is an empty one. */
export function texts(value: unknown, what: string): string[] {
  return list(value, what).map((it) => text(it, what));
}

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
