/**
 * A strict DER reader: definite, minimal lengths, one-byte tags, no bytes left over, bounded depth. Every rule of this library
 * that looks inside a certificate reads it through here, so that no two parts can understand the same bytes differently.
 */
import { quote, refusal, type SpiffeTlsError } from './errors.ts';

/** Tags this library meets in certificates. Context tags are written where they are used. */
export const DerTag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
} as const;

const MAX_DEPTH = 16;
const MAX_LENGTH_BYTES = 3;
const MAX_OID_BYTES = 64;

/** One tag-length-value. Both arrays are views of the reader's bytes. */
export interface DerElement {
  readonly tag: number;
  readonly content: Uint8Array;
  /** Tag and length included: what names and algorithms are compared by. */
  readonly encoded: Uint8Array;
}

/** Reads the elements of one constructed value in order. Every method throws `CERTIFICATE_MALFORMED` on what is not DER. */
export class DerReader {
  readonly #bytes: Uint8Array;
  readonly #depth: number;
  #offset = 0;

  constructor(bytes: Uint8Array, depth = 0) {
    if (depth > MAX_DEPTH) throw malformed(`must be nested at most ${MAX_DEPTH} deep`);
    this.#bytes = bytes;
    this.#depth = depth;
  }

  get done(): boolean {
    return this.#offset === this.#bytes.length;
  }

  /** The next element's tag; `undefined` at the end. */
  get nextTag(): number | undefined {
    return this.#bytes[this.#offset];
  }

  /** Reads the next element, whatever its tag. */
  read(what: string): DerElement {
    const start = this.#offset;
    const tag = this.#byte(what);
    if ((tag & 0x1f) === 0x1f) throw malformed(`${what} must have a one-byte tag`, hex(tag));
    const length = this.#length(what);
    const end = this.#offset + length;
    if (end > this.#bytes.length) {
      throw malformed(`${what} must end within its parent`, `${length} bytes of ${this.#bytes.length - this.#offset}`);
    }
    const content = this.#bytes.subarray(this.#offset, end);
    this.#offset = end;
    return { tag, content, encoded: this.#bytes.subarray(start, end) };
  }

  /** Reads the next element, which must have this tag. */
  expect(tag: number, what: string): DerElement {
    const next = this.nextTag;
    if (next !== tag) throw malformed(`${what} must have tag ${hex(tag)}`, next === undefined ? 'nothing' : hex(next));
    return this.read(what);
  }

  /** Reads the next element if it has this tag. */
  optional(tag: number, what: string): DerElement | undefined {
    return this.nextTag === tag ? this.read(what) : undefined;
  }

  /** Reads a constructed element with this tag and returns a reader of its content. */
  enter(tag: number, what: string): DerReader {
    return this.open(this.expect(tag, what));
  }

  /** A reader of an element that this one returned, one level deeper. */
  open(element: DerElement): DerReader {
    return new DerReader(element.content, this.#depth + 1);
  }

  /** Refuses bytes after the last element that the format allows. */
  end(what: string): void {
    if (!this.done) throw malformed(`${what} must have nothing after its last element`, `${this.#rest} bytes`);
  }

  get #rest(): number {
    return this.#bytes.length - this.#offset;
  }

  #byte(what: string): number {
    const byte = this.#bytes[this.#offset];
    if (byte === undefined) throw malformed(`${what} must be present and complete`, 'the end of the bytes');
    this.#offset++;
    return byte;
  }

  #length(what: string): number {
    const first = this.#byte(what);
    if (first < 0x80) return first;
    const count = first & 0x7f;
    if (count === 0) throw malformed(`${what} must have a definite length`, 'an indefinite one');
    if (count > MAX_LENGTH_BYTES) {
      throw malformed(`${what} must have at most ${MAX_LENGTH_BYTES} length bytes`, `${count}`);
    }
    let length = 0;
    for (let i = 0; i < count; i++) length = length * 256 + this.#byte(what);
    const minimal = length >= 0x80 && length >= 2 ** (8 * (count - 1));
    if (!minimal) throw malformed(`${what} must have its length in the fewest bytes`, `${count} bytes for ${length}`);
    return length;
  }
}

/** Reads bytes that must be exactly one element with this tag. */
export function readDerElement(bytes: Uint8Array, tag: number, what: string): DerElement {
  const reader = new DerReader(bytes);
  const element = reader.expect(tag, what);
  reader.end(what);
  return element;
}

/** As {@link readDerElement}, for a constructed element: returns a reader of its content. */
export function readDer(bytes: Uint8Array, tag: number, what: string): DerReader {
  return new DerReader(readDerElement(bytes, tag, what).content, 1);
}

/** A BOOLEAN as DER has it: 0xff or 0x00, nothing between. */
export function readBoolean(element: DerElement, what: string): boolean {
  const [value] = element.content;
  if (element.content.length !== 1 || (value !== 0 && value !== 0xff)) throw malformed(`${what} must be a DER boolean`);
  return value === 0xff;
}

/** Checks that an INTEGER has no needless leading byte, and returns its bytes in two's complement. */
export function readInteger(element: DerElement, what: string): Uint8Array {
  const [first, second] = element.content;
  if (first === undefined) throw malformed(`${what} must not be an empty integer`);
  const padded = second !== undefined && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80));
  if (padded) throw malformed(`${what} must be an integer in the fewest bytes`);
  return element.content;
}

/** An INTEGER from 0 to 2^31 - 1. */
export function readSmallInteger(element: DerElement, what: string): number {
  const bytes = readInteger(element, what);
  if ((bytes[0] ?? 0) >= 0x80 || bytes.length > 4) throw malformed(`${what} must be from 0 to 2147483647`);
  return bytes.reduce((value, byte) => value * 256 + byte, 0);
}

/** The bytes of a BIT STRING with its count of unused bits, which must be zero bits. */
export function readBitString(
  element: DerElement,
  what: string,
): { readonly bytes: Uint8Array; readonly unused: number } {
  const unused = element.content[0];
  const bytes = element.content.subarray(1);
  if (unused === undefined || unused > 7 || (bytes.length === 0 && unused > 0)) {
    throw malformed(`${what} must be a bit string`);
  }
  const last = bytes[bytes.length - 1] ?? 0;
  if ((last & ((1 << unused) - 1)) !== 0) throw malformed(`${what} must have zero padding bits`);
  return { bytes, unused };
}

/** An OBJECT IDENTIFIER in dotted form. Arcs may be large: `2.25.<uuid>` has 128 bits. */
export function readOid(element: DerElement, what: string): string {
  const { content } = element;
  const complete = content.length > 0 && content.length <= MAX_OID_BYTES && (content[content.length - 1] ?? 0) < 0x80;
  if (!complete) throw malformed(`${what} must be an object identifier`);
  const arcs: bigint[] = [];
  let arc = 0n;
  let fresh = true;
  for (const byte of content) {
    if (fresh && byte === 0x80) throw malformed(`${what} must have no padded arc`);
    arc = arc * 128n + BigInt(byte & 0x7f);
    fresh = byte < 0x80;
    if (fresh) {
      arcs.push(arc);
      arc = 0n;
    }
  }
  const [first = 0n, ...rest] = arcs;
  const root = first < 80n ? first / 40n : 2n;
  return [root, first - root * 40n, ...rest].join('.');
}

/** The text of an IA5String: ASCII only. What it may hold beyond that is for its reader to say. */
export function readIa5(content: Uint8Array, what: string): string {
  for (const byte of content) if (byte > 0x7f) throw malformed(`${what} must be ASCII`, hex(byte));
  return Buffer.from(content.buffer, content.byteOffset, content.byteLength).toString('latin1');
}

const TIME = /^(\d{2}|\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})Z$/;

/** A UTCTime or GeneralizedTime in the one form RFC 5280, 4.1.2.5 allows; milliseconds since the epoch. */
export function readTime(element: DerElement, what: string): number {
  const utc = element.tag === DerTag.utcTime;
  if (!utc && element.tag !== DerTag.generalizedTime) throw malformed(`${what} must be a time`, hex(element.tag));
  const text = readIa5(element.content, what);
  const parts = TIME.exec(text);
  if (parts === null || text.length !== (utc ? 13 : 15)) {
    throw malformed(`${what} must be ${utc ? 'YYMMDDhhmmssZ' : 'YYYYMMDDhhmmssZ'}`, quote(text, 32));
  }
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts.slice(1).map(Number);
  const fullYear = utc ? year + (year < 50 ? 2000 : 1900) : year;
  const date = new Date(0);
  date.setUTCFullYear(fullYear, month - 1, day);
  date.setUTCHours(hour, minute, second);
  const real = date.getUTCMonth() === month - 1 && date.getUTCDate() === day && date.getUTCHours() === hour;
  if (!real || minute > 59 || second > 59) throw malformed(`${what} must be a real moment`, quote(text));
  return date.getTime();
}

/** Lower-case hexadecimal: what names and key identifiers are compared and looked up by. */
export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

/** The refusal of bytes that are not what the certificate format says. */
export function malformed(rule: string, got = 'something else'): SpiffeTlsError {
  return refusal('CERTIFICATE_MALFORMED', 'certificate', rule, got);
}

function hex(byte: number): string {
  return `0x${byte.toString(16).padStart(2, '0')}`;
}
