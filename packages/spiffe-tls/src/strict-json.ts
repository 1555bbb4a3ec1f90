/**
 * A JSON reader for what others sign or publish. `JSON.parse` keeps the last of two members with one name, so two readers of
 * one document can see two trust domains, or two audiences; it also rounds integers above 2^53. This one refuses repeated
 * names and deep nesting, and can read large integers as `bigint`.
 */

/** A value. `bigint` only where it was asked for. */
export type JsonValue = string | number | bigint | boolean | null | readonly JsonValue[] | JsonObject;

/** An object without prototype, so that `__proto__` and `constructor` are names like any other. */
export interface JsonObject {
  readonly [name: string]: JsonValue;
}

/** Makes the error to throw: the rule that is broken and what was found, neither of them quoting the document. */
export type JsonRefusal = (rule: string, got: string) => Error;

/** How {@link parseStrictJson} reads. */
export interface StrictJsonOptions {
  /** Reads integers that a `number` can't hold exactly as `bigint`, which `JSON.stringify` does not take. Default `false`. */
  readonly bigIntegers?: boolean;
}

/** Deeper than any JOSE or bundle document; each level costs a frame of the stack. */
const MAX_DEPTH = 16;

const WHITESPACE = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y;
const MAX_NUMBER_LENGTH = 64;

/**
 * Parses one document.
 * @throws what `refuse` makes, for anything but valid JSON without repeated names, at most 16 levels deep.
 */
export function parseStrictJson(text: string, refuse: JsonRefusal, options: StrictJsonOptions = {}): JsonValue {
  const reader = new JsonReader(text, refuse, options.bigIntegers ?? false);
  const value = reader.value(0);
  reader.end();
  return value;
}

/** Decodes bytes that must be UTF-8 without a byte order mark, then parses them. */
export function parseStrictJsonBytes(
  bytes: Uint8Array,
  refuse: JsonRefusal,
  options: StrictJsonOptions = {},
): JsonValue {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw refuse('must be UTF-8', 'other bytes');
  }
  return parseStrictJson(text, refuse, options);
}

/** Whether a value is an object, as opposed to a list or a scalar. */
export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether a value is a list. */
export function isJsonArray(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value);
}

/** What kind of thing a value is, for messages: never the value. */
export function kindOfJson(value: JsonValue | undefined): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

class JsonReader {
  readonly #text: string;
  readonly #refuse: JsonRefusal;
  readonly #bigIntegers: boolean;
  #at = 0;

  constructor(text: string, refuse: JsonRefusal, bigIntegers: boolean) {
    this.#text = text;
    this.#refuse = refuse;
    this.#bigIntegers = bigIntegers;
  }

  value(depth: number): JsonValue {
    if (depth > MAX_DEPTH) throw this.#refuse(`must have at most ${MAX_DEPTH} levels of nesting`, 'more');
    const next = this.#peek();
    if (next === '{') return this.#object(depth);
    if (next === '[') return this.#array(depth);
    if (next === '"') return this.#string();
    if (next === 't') return this.#word('true', true);
    if (next === 'f') return this.#word('false', false);
    if (next === 'n') return this.#word('null', null);
    return this.#number();
  }

  end(): void {
    if (this.#peek() !== undefined) throw this.#malformed();
  }

  #object(depth: number): JsonObject {
    const members: Record<string, JsonValue> = Object.create(null);
    this.#at += 1;
    if (this.#take('}')) return members;
    do {
      if (this.#peek() !== '"') throw this.#malformed();
      const name = this.#string();
      if (name in members) throw this.#refuse('must have no member name twice in one object', 'one repeated');
      this.#expect(':');
      members[name] = this.value(depth + 1);
    } while (this.#take(','));
    this.#expect('}');
    return members;
  }

  #array(depth: number): JsonValue[] {
    const items: JsonValue[] = [];
    this.#at += 1;
    if (this.#take(']')) return items;
    do items.push(this.value(depth + 1));
    while (this.#take(','));
    this.#expect(']');
    return items;
  }

  #string(): string {
    const raw = this.#text.slice(this.#at, this.#endOfString());
    this.#at += raw.length;
    try {
      const value: unknown = JSON.parse(raw);
      if (typeof value === 'string') return value;
    } catch {
      // An escape that JSON does not have: told below.
    }
    throw this.#malformed();
  }

  /** Only finds the end: what stands between is left to JSON.parse. No pattern, because millions of escapes overflow its stack. */
  #endOfString(): number {
    for (let quote = this.#at; ; ) {
      quote = this.#text.indexOf('"', quote + 1);
      if (quote === -1) this.#at = this.#text.length;
      if (quote === -1) throw this.#malformed();
      let slashes = 0;
      while (this.#text[quote - 1 - slashes] === '\\') slashes += 1;
      if (slashes % 2 === 0) return quote + 1;
    }
  }

  #number(): number | bigint {
    const raw = this.#match(NUMBER);
    if (raw.length > MAX_NUMBER_LENGTH) {
      throw this.#refuse(`must have numbers of at most ${MAX_NUMBER_LENGTH} digits`, `${raw.length}`);
    }
    const value = Number(raw);
    if (!this.#bigIntegers || Number.isSafeInteger(value) || /[.eE]/.test(raw)) return value;
    return BigInt(raw);
  }

  #word<Word>(word: string, value: Word): Word {
    if (!this.#text.startsWith(word, this.#at)) throw this.#malformed();
    this.#at += word.length;
    return value;
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found === undefined) throw this.#malformed();
    this.#at += found.length;
    return found;
  }

  #peek(): string | undefined {
    WHITESPACE.lastIndex = this.#at;
    this.#at += WHITESPACE.exec(this.#text)?.[0].length ?? 0;
    return this.#text[this.#at];
  }

  #take(character: string): boolean {
    if (this.#peek() !== character) return false;
    this.#at += 1;
    return true;
  }

  #expect(character: string): void {
    if (!this.#take(character)) throw this.#malformed();
  }

  #malformed(): Error {
    const where = this.#at >= this.#text.length ? 'its end' : `an error at character ${this.#at}`;
    return this.#refuse('must be JSON', where);
  }
}
