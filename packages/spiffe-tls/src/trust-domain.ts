/**
 * A trust domain's name, as SPIFFE-ID section 2.1 defines it.
 */
import { quote, SpiffeTlsError } from './errors.ts';

const MAX_BYTES = 255;
const NAME = /^[a-z0-9._-]+$/;
const constructing = Symbol('TrustDomain');

/**
 * An immutable trust domain. Names are compared byte by byte: DNS-like and IPv4-like names get no special treatment
 * (SPIFFE-ID 2.1), so `example..org` and `1.2.3.4` are valid.
 */
export class TrustDomain {
  /** The bare name, for example `example.org`. */
  readonly name: string;

  /** Use {@link TrustDomain.parse}; the key keeps an unchecked name from becoming a trust domain. */
  constructor(name: string, key: typeof constructing) {
    if (key !== constructing) throw new TypeError('use TrustDomain.parse(name)');
    this.name = name;
    Object.freeze(this);
  }

  /**
   * Parses a bare name (`example.org`).
   * @throws {SpiffeTlsError} `INVALID_TRUST_DOMAIN` when it is empty, longer than 255 bytes, or holds anything but `[a-z0-9._-]`.
   */
  static parse(name: string): TrustDomain {
    if (name === '') throw invalid('must not be empty', name);
    if (name.length > MAX_BYTES) throw invalid(`must have at most ${MAX_BYTES} bytes`, name);
    if (!NAME.test(name)) throw invalid('may only hold a-z, 0-9, ".", "-" and "_"', name);
    return new TrustDomain(name, constructing);
  }

  /** The SPIFFE ID of the trust domain itself, `spiffe://example.org`: the key of its bundle in the Workload API. */
  get id(): string {
    return `spiffe://${this.name}`;
  }

  /** Byte by byte. */
  equals(other: TrustDomain): boolean {
    return this.name === other.name;
  }

  toString(): string {
    return this.name;
  }

  toJSON(): string {
    return this.name;
  }
}

function invalid(rule: string, got: string): SpiffeTlsError {
  return new SpiffeTlsError('INVALID_TRUST_DOMAIN', `trust domain: name ${rule}, got ${quote(got)}`, {
    expected: `name ${rule}`,
    got: quote(got),
  });
}
