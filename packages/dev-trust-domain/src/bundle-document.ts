/**
 * The SPIFFE bundle document: a trust domain's authorities as federation exchanges them (SPIFFE Trust Domain and Bundle
 * section 4). Written for the bundle endpoint, and read from whoever this trust domain federates with.
 */
import { X509Certificate } from 'node:crypto';
import { parseCertificate, quote, SpiffeTlsError, type TrustDomain } from '@countersign/spiffe-tls';
import { DevTrustDomainError } from './errors.ts';
import type { JwtKey } from './jwt-authority.ts';
import type { TrustBundle } from './trust-bundle.ts';

/** What a document says besides its keys. */
export interface BundleDocumentHeader {
  /** Grows with each change. */
  readonly sequence: number;
  /** How often readers should ask. */
  readonly refreshHintSeconds: number;
}

type Fields = Readonly<Record<string, unknown>>;

const MAX_DOCUMENT_BYTES = 1024 * 1024;

/** Writes a document. X.509 entries have no `kid` and one certificate each (X509-SVID section 6.1). */
export function toBundleDocument(bundle: TrustBundle, { sequence, refreshHintSeconds }: BundleDocumentHeader): string {
  const x509 = bundle.x509Authorities.map((der) => {
    const { publicKey, raw } = new X509Certificate(der);
    return { ...publicKey.export({ format: 'jwk' }), use: 'x509-svid', x5c: [raw.toString('base64')] };
  });
  const keys = [...x509, ...bundle.jwtAuthorities];
  return JSON.stringify({ keys, spiffe_sequence: sequence, spiffe_refresh_hint: refreshHintSeconds });
}

/**
 * Reads a document of a trust domain. Entries of a use or key type that is not known are passed over; an entry of a known
 * use that is broken refuses the document.
 * @throws {DevTrustDomainError} `BUNDLE`
 */
export function parseBundleDocument(
  text: string,
  trustDomain: TrustDomain,
): TrustBundle & { readonly sequence: number } {
  if (Buffer.byteLength(text) > MAX_DOCUMENT_BYTES) throw invalid(`must have at most ${MAX_DOCUMENT_BYTES} bytes`);
  const { keys, spiffe_sequence: sequence } = parseObject(text);
  if (!Array.isArray(keys)) throw invalid('keys must be a list');
  const entries = keys.filter(isObject);
  return {
    trustDomainId: trustDomain.id,
    x509Authorities: entries.filter(({ use, x5c }) => use === 'x509-svid' && x5c !== undefined).map(readCertificate),
    jwtAuthorities: entries.filter(({ use, kty }) => use === 'jwt-svid' && isKnownType(kty)).map(readJwtKey),
    sequence: typeof sequence === 'number' && Number.isSafeInteger(sequence) ? sequence : 0,
  };
}

function parseObject(text: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalid('must be JSON');
  }
  if (!isObject(value)) throw invalid('must be a JSON object');
  return value;
}

/** The first of `x5c` is the authority, the others have no meaning (X509-SVID section 6.2). */
function readCertificate({ x5c }: Fields): Uint8Array {
  const first: unknown = Array.isArray(x5c) ? x5c[0] : undefined;
  if (typeof first !== 'string') throw invalid('x5c must hold a certificate');
  const der = Buffer.from(first, 'base64');
  try {
    if (!parseCertificate(der).isCa) throw invalid('x5c must hold the certificate of a CA');
  } catch (cause) {
    if (cause instanceof SpiffeTlsError) throw invalid(`x5c holds no certificate: ${cause.message}`);
    throw cause;
  }
  return der;
}

function isKnownType(kty: unknown): boolean {
  return kty === 'EC' || kty === 'RSA';
}

/** Only the public members, so that a document can't bring more than a key along. */
function readJwtKey({ kid, kty, alg, crv, x, y, n, e }: Fields): JwtKey {
  if (typeof kid !== 'string' || kid === '') throw invalid('a jwt-svid key must have a kid', kid);
  const members = Object.entries({ kid, kty, alg, crv, x, y, n, e }).filter(([, value]) => value !== undefined);
  const broken = members.find(([, value]) => typeof value !== 'string');
  if (broken !== undefined) throw invalid(`${broken[0]} must be a string`, broken[1]);
  return { ...Object.fromEntries(members), use: 'jwt-svid' };
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function invalid(rule: string, got?: unknown): DevTrustDomainError {
  const value = got === undefined ? '' : `, got ${quote(typeof got === 'string' ? got : JSON.stringify(got))}`;
  return new DevTrustDomainError('BUNDLE', `bundle document: ${rule}${value}`);
}
