/**
 * A SPIFFE ID, as SPIFFE-ID section 2 defines it. The parser is hand-written: `new URL()` normalises `..`, decodes
 * percent-encoding and lower-cases, each of which would turn an invalid ID into somebody else's valid one.
 */
import { quote, SpiffeTlsError } from './errors.ts';
import { TrustDomain } from './trust-domain.ts';

const SCHEME = 'spiffe://';
const MAX_BYTES = 2048;
const SEGMENT = /^[A-Za-z0-9._-]+$/;
const constructing = Symbol('SpiffeId');

/** How {@link SpiffeId.parse} reads its input. */
export interface ParseSpiffeIdOptions {
  /**
   * Lower-case scheme and trust domain first (SPIFFE-ID 2.4). Default `false`. For configuration that an operator wrote;
   * never for what a peer controls, because SPIFFE-ID 2.1 demands a lower-case host there.
   */
  readonly normalize?: boolean;
}

/** An immutable SPIFFE ID: scheme, trust domain, path. A type of its own, so that a plain string does not pass for one. */
export class SpiffeId {
  /** Whose member it is. */
  readonly trustDomain: TrustDomain;
  /** Empty for the ID of a trust domain, else `/` and the segments. Case-sensitive. */
  readonly path: string;
  readonly #text: string;

  /** Use {@link SpiffeId.parse} or {@link SpiffeId.from}. */
  constructor(trustDomain: TrustDomain, path: string, key: typeof constructing) {
    if (key !== constructing) {
      throw new TypeError('use SpiffeId.parse(text) or SpiffeId.from(trustDomain, ...segments)');
    }
    this.trustDomain = trustDomain;
    this.path = path;
    this.#text = `${SCHEME}${trustDomain.name}${path}`;
    Object.freeze(this);
  }

  /**
   * Parses `spiffe://trust-domain/path`.
   * @throws {SpiffeTlsError} `INVALID_SPIFFE_ID` for anything SPIFFE-ID 2 does not allow: another scheme, a port, userinfo, query,
   * fragment, percent-encoding, an empty, `.` or `..` segment, a trailing slash, more than 2048 bytes.
   * @example SpiffeId.parse('spiffe://example.org/billing/api').path // '/billing/api'
   */
  static parse(text: string, options: ParseSpiffeIdOptions = {}): SpiffeId {
    if (text.length > MAX_BYTES) throw invalid(`must have at most ${MAX_BYTES} bytes`, text);
    const input = options.normalize ? lowerCaseAuthority(text) : text;
    if (!input.startsWith(SCHEME)) throw invalid(`must begin with ${quote(SCHEME)}`, text);
    const slash = input.indexOf('/', SCHEME.length);
    const name = slash === -1 ? input.slice(SCHEME.length) : input.slice(SCHEME.length, slash);
    const path = slash === -1 ? '' : input.slice(slash);
    if (path !== '') checkSegments(path.slice(1).split('/'), text);
    return new SpiffeId(parseName(name, text), path, constructing);
  }

  /**
   * Builds an ID from a trust domain and path segments.
   * @throws {SpiffeTlsError} `INVALID_SPIFFE_ID` when a segment is not allowed or the ID would exceed 2048 bytes.
   */
  static from(trustDomain: TrustDomain, ...segments: string[]): SpiffeId {
    const text = [`${SCHEME}${trustDomain.name}`, ...segments].join('/');
    checkSegments(segments, text);
    if (text.length > MAX_BYTES) throw invalid(`must have at most ${MAX_BYTES} bytes`, text);
    return new SpiffeId(trustDomain, segments.map((segment) => `/${segment}`).join(''), constructing);
  }

  /** The path's segments, without slashes; empty for the ID of a trust domain. */
  get segments(): string[] {
    return this.path === '' ? [] : this.path.slice(1).split('/');
  }

  /** Whether it is of this trust domain, whatever its path. */
  memberOf(trustDomain: TrustDomain): boolean {
    return this.trustDomain.equals(trustDomain);
  }

  /** Byte by byte. */
  equals(other: SpiffeId): boolean {
    return this.#text === other.#text;
  }

  toString(): string {
    return this.#text;
  }

  toJSON(): string {
    return this.#text;
  }
}

function lowerCaseAuthority(text: string): string {
  const slash = text.indexOf('/', SCHEME.length);
  const end = slash === -1 ? text.length : slash;
  return text.slice(0, end).toLowerCase() + text.slice(end);
}

function parseName(name: string, text: string): TrustDomain {
  try {
    return TrustDomain.parse(name);
  } catch (cause) {
    throw invalid('must have a valid trust domain', text, cause);
  }
}

function checkSegments(segments: readonly string[], text: string): void {
  for (const segment of segments) {
    if (segment === '') throw invalid('must have no empty path segment and no trailing "/"', text);
    if (segment === '.' || segment === '..') throw invalid('must have no "." or ".." path segment', text);
    if (!SEGMENT.test(segment)) throw invalid('path segments may only hold letters, digits, ".", "-" and "_"', text);
  }
}

function invalid(rule: string, got: string, cause?: unknown): SpiffeTlsError {
  const details = { expected: rule, got: quote(got) };
  const message = `spiffe-id: ${rule}, got ${quote(got)}`;
  return new SpiffeTlsError('INVALID_SPIFFE_ID', message, cause === undefined ? details : { ...details, cause });
}
