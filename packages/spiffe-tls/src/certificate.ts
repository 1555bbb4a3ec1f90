/**
 * One X.509 certificate, read once by the strict reader and once by the crypto library. Every rule is decided on the facts here;
 * `node:crypto` checks signatures only. Both readings are held to the same bytes.
 */
import { createHash, X509Certificate } from 'node:crypto';
import { type KeyUsage, parseExtensions } from './certificate-extensions.ts';
import {
  type DerElement,
  DerReader,
  DerTag,
  malformed,
  readBitString,
  readDer,
  readInteger,
  readSmallInteger,
  readTime,
  toHex,
} from './der.ts';
import { refusal, SpiffeTlsError } from './errors.ts';
import { type GeneralName, NameForm } from './general-name.ts';
import { LruCache } from './lru-cache.ts';
import type { NameConstraints } from './name-constraints.ts';
import { parsePublicKey, weaknessOfSignature } from './public-key.ts';

export type { KeyUsage } from './certificate-extensions.ts';
export type { GeneralName } from './general-name.ts';

/** The facts of a certificate. Immutable and shared: equal bytes give the same object while it is cached. */
export interface ParsedCertificate {
  /** A private copy of the bytes; treat it as read-only. */
  readonly der: Uint8Array;
  /** Node's own view of it. */
  readonly x509: X509Certificate;
  /** Lower-case hexadecimal SHA-256 of the bytes. */
  readonly fingerprint256: string;
  /** Lower-case hexadecimal SHA-256 of the SubjectPublicKeyInfo. */
  readonly spkiFingerprint256: string;
  /** Upper-case hexadecimal, as `X509Certificate.serialNumber` prints it. */
  readonly serialNumber: string;
  /** Start of validity, in milliseconds since the epoch. */
  readonly notBeforeMs: number;
  /** End of validity, in milliseconds since the epoch. */
  readonly notAfterMs: number;
  /** Hexadecimal DER of the names: paths are built on byte equality. */
  readonly subjectKey: string;
  /** As `subjectKey`, of the issuer. */
  readonly issuerKey: string;
  /** Whether the subject has no attributes. */
  readonly subjectEmpty: boolean;
  /** `cA` of the basic constraints. */
  readonly isCa: boolean;
  /** How many intermediates may stand between this CA and a leaf; `undefined` for no limit. */
  readonly pathLength: number | undefined;
  /** `undefined` when there is no such extension. */
  readonly keyUsage: ReadonlySet<KeyUsage> | undefined;
  /** Whether key usage is marked critical. */
  readonly keyUsageCritical: boolean;
  /** Object identifiers; `undefined` when there is no such extension. */
  readonly extendedKeyUsage: readonly string[] | undefined;
  /** All of them, as they stand. */
  readonly subjectAltNames: readonly GeneralName[];
  /** The URIs among them; an X.509-SVID has one. */
  readonly uriSans: readonly string[];
  /** The DNS names among them. */
  readonly dnsSans: readonly string[];
  /** What names a CA may issue; `undefined` without the extension. */
  readonly nameConstraints: NameConstraints | undefined;
  /** Hexadecimal; hints for finding an issuer, never proof. */
  readonly subjectKeyId: string | undefined;
  /** Identifier of the issuer's key, if it is given. */
  readonly authorityKeyId: string | undefined;
  /** Object identifiers of critical extensions that this library does not process. */
  readonly unknownCritical: readonly string[];
  /** Why the key is refused (`RSA 1024`); `undefined` if it is strong. */
  readonly weakKey: string | undefined;
  /** Whether the key may be given to the crypto library to check a signature: a known kind of bounded size. */
  readonly keyVerifiable: boolean;
  /** Why the issuer's signature is refused; `undefined` if its algorithm is strong. */
  readonly weakSignature: string | undefined;
}

/** The largest certificate, and the largest chain, that is looked at. */
export const MAX_CHAIN_BYTES = 64 * 1024;

// A peer that proves nothing can still make us parse, so what it can leave in memory is bounded too.
const MAX_CACHED_BYTES = 16 * 1024;
const cache = new LruCache<string, ParsedCertificate>(1024);

/**
 * Parses one DER certificate, all of whose bytes must belong to it. What is not a well-formed RFC 5280 certificate is refused
 * (malformed or duplicate extensions, indefinite lengths, trailing bytes); whether a well-formed one may be trusted is for
 * {@link verifyPeer} to say.
 * @throws {SpiffeTlsError} `CERTIFICATE_MALFORMED`, `CERTIFICATE_TOO_LARGE`
 */
export function parseCertificate(der: Uint8Array): ParsedCertificate {
  if (der.length > MAX_CHAIN_BYTES) throw tooLarge(der.length);
  const fingerprint256 = createHash('sha256').update(der).digest('hex');
  const known = cache.get(fingerprint256);
  if (known !== undefined) return known;
  const parsed = parseFresh(Uint8Array.from(der), fingerprint256);
  if (der.length <= MAX_CACHED_BYTES) cache.set(fingerprint256, parsed);
  return parsed;
}

/**
 * Splits concatenated DER (as in the Workload API's `x509_svid` and `bundle`) without reading the certificates.
 * @throws {SpiffeTlsError} `CERTIFICATE_MALFORMED` on padding, trailing bytes or anything but sequences.
 */
export function splitCertificates(der: Uint8Array): Uint8Array[] {
  const reader = new DerReader(der);
  const certificates: Uint8Array[] = [];
  while (!reader.done) certificates.push(reader.expect(DerTag.sequence, 'certificate').encoded);
  return certificates;
}

/** Empties the cache of parsed certificates. For benchmarks and tests. */
export function clearCertificateCache(): void {
  cache.clear();
}

interface Tbs {
  readonly signature: DerElement;
  readonly issuer: DerElement;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly subject: DerElement;
  readonly spki: DerElement;
  readonly extensions: DerReader | undefined;
}

function parseFresh(der: Uint8Array, fingerprint256: string): ParsedCertificate {
  const outer = readDer(der, DerTag.sequence, 'certificate');
  const tbs = readTbs(outer.enter(DerTag.sequence, 'tbsCertificate'));
  const signature = outer.expect(DerTag.sequence, 'signatureAlgorithm');
  readBitString(outer.expect(DerTag.bitString, 'signature'), 'signature');
  outer.end('certificate');
  if (!sameBytes(signature.encoded, tbs.signature.encoded)) {
    throw malformed('signatureAlgorithm must equal the signed signature field');
  }
  const extensions = parseExtensions(tbs.extensions);
  const key = parsePublicKey(tbs.spki);
  const x509 = readByCryptoLibrary(der);
  return Object.freeze({
    der,
    x509,
    fingerprint256,
    spkiFingerprint256: key.spkiFingerprint256,
    serialNumber: x509.serialNumber,
    notBeforeMs: tbs.notBeforeMs,
    notAfterMs: tbs.notAfterMs,
    subjectKey: toHex(tbs.subject.encoded),
    issuerKey: toHex(tbs.issuer.encoded),
    subjectEmpty: tbs.subject.content.length === 0,
    ...extensions,
    uriSans: textsOf(extensions.subjectAltNames, NameForm.uri),
    dnsSans: textsOf(extensions.subjectAltNames, NameForm.dns),
    weakKey: key.weakness,
    keyVerifiable: key.verifiable,
    weakSignature: weaknessOfSignature(signature),
  });
}

function readTbs(reader: DerReader): Tbs {
  const version = readVersion(reader);
  const serial = readInteger(reader.expect(DerTag.integer, 'serialNumber'), 'serialNumber');
  const negative = (serial[0] ?? 0) >= 0x80;
  if (negative || serial.length > 21) throw malformed('serialNumber must be at least 0 and have at most 20 bytes');
  const signature = reader.expect(DerTag.sequence, 'signature');
  const issuer = reader.expect(DerTag.sequence, 'issuer');
  const validity = reader.enter(DerTag.sequence, 'validity');
  const notBeforeMs = readTime(validity.read('notBefore'), 'notBefore');
  const notAfterMs = readTime(validity.read('notAfter'), 'notAfter');
  validity.end('validity');
  const subject = reader.expect(DerTag.sequence, 'subject');
  const spki = reader.expect(DerTag.sequence, 'subjectPublicKeyInfo');
  reader.optional(0x81, 'issuerUniqueID');
  reader.optional(0x82, 'subjectUniqueID');
  const extensions = reader.nextTag === 0xa3 ? readExtensionList(reader, version) : undefined;
  reader.end('tbsCertificate');
  return { signature, issuer, notBeforeMs, notAfterMs, subject, spki, extensions };
}

function readVersion(reader: DerReader): number {
  if (reader.nextTag !== 0xa0) return 1;
  const inner = reader.enter(0xa0, 'version');
  const version = readSmallInteger(inner.expect(DerTag.integer, 'version'), 'version') + 1;
  inner.end('version');
  if (version !== 2 && version !== 3) throw malformed('version must be 1 (left out), 2 or 3', `${version}`);
  return version;
}

function readExtensionList(reader: DerReader, version: number): DerReader {
  if (version !== 3) throw malformed('only a certificate of version 3 may have extensions', `version ${version}`);
  const wrapper = reader.enter(0xa3, 'extensions');
  const list = wrapper.enter(DerTag.sequence, 'extensions');
  wrapper.end('extensions');
  return list;
}

function readByCryptoLibrary(der: Uint8Array): X509Certificate {
  let x509: X509Certificate;
  try {
    x509 = new X509Certificate(der);
  } catch (cause) {
    const expected = 'must be readable by node:crypto';
    throw new SpiffeTlsError('CERTIFICATE_MALFORMED', `certificate: ${expected}, got an error`, {
      expected,
      got: 'an error',
      cause,
    });
  }
  // ZERO TRUST: X509Certificate looks for a PEM block anywhere in its input before it tries DER. A forged certificate could
  // carry a genuine one as text in an extension: we would read the forgery's names and check the genuine one's signature.
  if (!sameBytes(x509.raw, der)) throw malformed('must be read from all of its own bytes', 'another one inside it');
  return x509;
}

function textsOf(names: readonly GeneralName[], form: number): readonly string[] {
  return Object.freeze(names.filter((name) => name.form === form).map((name) => name.text));
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

/** The refusal of a certificate or chain that is larger than this library reads. */
export function tooLarge(bytes: number): SpiffeTlsError {
  return refusal('CERTIFICATE_TOO_LARGE', 'certificate', `must have at most ${MAX_CHAIN_BYTES} bytes`, `${bytes}`);
}
