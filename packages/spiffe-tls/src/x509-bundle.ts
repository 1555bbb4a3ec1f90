/**
 * X.509 bundles: the CA certificates of one trust domain, and sets of bundles keyed by trust domain. Two trust domains' CAs are
 * never merged: a union would let each mint the other's identities (Trust Domain and Bundle 3, Federation 7.3).
 */
import { type ParsedCertificate, parseCertificate, splitCertificates } from './certificate.ts';
import { quote, refusal, SpiffeTlsError } from './errors.ts';
import { MAX_BUNDLE_BYTES } from './jwt-bundle.ts';
import { parsePem, toPem } from './pem.ts';
import type { TrustDomain } from './trust-domain.ts';

/** Where the verifier looks up the bundle of a peer's own trust domain. */
export interface X509BundleSource {
  /** `undefined` when the trust domain is not trusted. */
  get(trustDomain: TrustDomain): X509Bundle | undefined;
}

/** The CA certificates of one trust domain. Immutable. An empty bundle trusts nobody. */
export class X509Bundle {
  /** Whose authorities these are. */
  readonly trustDomain: TrustDomain;
  /** In the order received, without repetitions. */
  readonly authorities: readonly ParsedCertificate[];
  readonly #bySubject = new Map<string, ParsedCertificate[]>();
  readonly #fingerprints: ReadonlySet<string>;

  constructor(trustDomain: TrustDomain, authorities: readonly ParsedCertificate[]) {
    const unique = new Map(authorities.map((authority) => [authority.fingerprint256, authority]));
    this.trustDomain = trustDomain;
    this.authorities = Object.freeze([...unique.values()]);
    this.#fingerprints = new Set(unique.keys());
    for (const authority of this.authorities) {
      const namesakes = this.#bySubject.get(authority.subjectKey);
      if (namesakes === undefined) this.#bySubject.set(authority.subjectKey, [authority]);
      else namesakes.push(authority);
    }
    Object.freeze(this);
  }

  /**
   * Reads concatenated DER, as the Workload API's `bundle` has it; no bytes at all give the empty bundle.
   * @param former the bundle that was read last: returned as it is when the bytes and the trust domain are the same, because
   * each message of the Workload API repeats every bundle and hardly any has changed.
   * @throws {SpiffeTlsError} `INVALID_BUNDLE`: one malformed certificate refuses the whole bundle, as do more than 1 MiB.
   */
  static fromDer(trustDomain: TrustDomain, der: Uint8Array, former?: X509Bundle): X509Bundle {
    checkSize(trustDomain, der.length);
    if (former?.trustDomain.equals(trustDomain) && isConcatenation(der, former.authorities)) return former;
    return parsed(trustDomain, () => splitCertificates(der).map(parseCertificate));
  }

  /**
   * Reads PEM; a text without blocks gives the empty bundle.
   * @throws {SpiffeTlsError} `INVALID_BUNDLE` also for blocks that are not certificates: a private key in a bundle is a leak;
   * and for more than 1 MiB.
   */
  static fromPem(trustDomain: TrustDomain, pem: string): X509Bundle {
    checkSize(trustDomain, pem.length);
    return parsed(trustDomain, () =>
      parsePem(pem).map(({ label, der }) => parseCertificate(onlyCertificate(label, der))),
    );
  }

  /** Whether this very certificate, byte for byte, is an anchor. */
  has(certificate: ParsedCertificate): boolean {
    return this.#fingerprints.has(certificate.fingerprint256);
  }

  /** The authorities whose subject is this name (its key, as {@link ParsedCertificate.issuerKey} has it). */
  withSubject(subjectKey: string): readonly ParsedCertificate[] {
    return this.#bySubject.get(subjectKey) ?? [];
  }

  /** Whether both hold the same certificates for the same trust domain, in whatever order. */
  equals(other: X509Bundle): boolean {
    if (other === this) return true;
    const sameSize = this.authorities.length === other.authorities.length;
    return sameSize && this.trustDomain.equals(other.trustDomain) && this.authorities.every((a) => other.has(a));
  }

  toPem(): string {
    return this.authorities.map(({ der }) => toPem('CERTIFICATE', der)).join('');
  }
}

/** Bundles by trust domain, at most one for each. Immutable. */
export class X509BundleSet implements X509BundleSource {
  readonly #bundles: ReadonlyMap<string, X509Bundle>;

  private constructor(bundles: ReadonlyMap<string, X509Bundle>) {
    this.#bundles = bundles;
    Object.freeze(this);
  }

  /** @throws {SpiffeTlsError} `INVALID_BUNDLE` when two are for one trust domain: they are never merged. */
  static of(...bundles: X509Bundle[]): X509BundleSet {
    const byName = new Map<string, X509Bundle>();
    for (const bundle of bundles) {
      const { name } = bundle.trustDomain;
      if (byName.has(name)) throw invalid('a set must have one bundle for each trust domain', `two for ${quote(name)}`);
      byName.set(name, bundle);
    }
    return new X509BundleSet(byName);
  }

  get(trustDomain: TrustDomain): X509Bundle | undefined {
    return this.#bundles.get(trustDomain.name);
  }

  trustDomains(): TrustDomain[] {
    return [...this.#bundles.values()].map((bundle) => bundle.trustDomain);
  }

  /** Whether both trust the same certificates for the same trust domains. */
  equals(other: X509BundleSet): boolean {
    const sameSize = this.#bundles.size === other.#bundles.size;
    return sameSize && [...this].every((bundle) => other.get(bundle.trustDomain)?.equals(bundle) ?? false);
  }

  [Symbol.iterator](): IterableIterator<X509Bundle> {
    return this.#bundles.values();
  }
}

function parsed(trustDomain: TrustDomain, parse: () => ParsedCertificate[]): X509Bundle {
  try {
    return new X509Bundle(trustDomain, parse());
  } catch (cause) {
    if (!(cause instanceof SpiffeTlsError) || cause.code === 'INVALID_BUNDLE') throw cause;
    const rule = `every certificate in the bundle of ${quote(trustDomain.name)} must be readable`;
    throw new SpiffeTlsError('INVALID_BUNDLE', `x509-bundle: ${rule}: ${cause.message}`, {
      expected: rule,
      got: cause.got ?? cause.message,
      cause,
    });
  }
}

/** Whether the bytes are those of the certificates, one after the other. */
function isConcatenation(der: Uint8Array, certificates: readonly ParsedCertificate[]): boolean {
  let at = 0;
  for (const { der: next } of certificates) {
    if (Buffer.compare(der.subarray(at, at + next.length), next) !== 0) return false;
    at += next.length;
  }
  return at === der.length;
}

function checkSize({ name }: TrustDomain, size: number): void {
  if (size > MAX_BUNDLE_BYTES)
    throw invalid(`the bundle of ${quote(name)} must have at most ${MAX_BUNDLE_BYTES} bytes`, `${size}`);
}

function onlyCertificate(label: string, der: Uint8Array): Uint8Array {
  if (label !== 'CERTIFICATE') throw invalid('a bundle must hold certificates only', quote(label));
  return der;
}

function invalid(rule: string, got: string): SpiffeTlsError {
  return refusal('INVALID_BUNDLE', 'x509-bundle', rule, got);
}
