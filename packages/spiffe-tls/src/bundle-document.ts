/**
 * SPIFFE bundle documents: all authorities of one trust domain in one JWKS, as bundle endpoints serve them (Trust Domain and
 * Bundle 4, X509-SVID 6, JWT-SVID 6).
 */
import type { KeyObject, X509Certificate } from 'node:crypto';
import { decodeBase64 } from './base64.ts';
import { type ParsedCertificate, parseCertificate } from './certificate.ts';
import { quote, refusal, SpiffeTlsError } from './errors.ts';
import { writePublicJwk } from './jwk.ts';
import { type IgnoredKey, JwtBundle, type JwtKey, MAX_BUNDLE_BYTES, readJwtKey, readKeys } from './jwt-bundle.ts';
import {
  isJsonArray,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  kindOfJson,
  parseStrictJsonBytes,
} from './strict-json.ts';
import type { TrustDomain } from './trust-domain.ts';
import { X509Bundle } from './x509-bundle.ts';

/** Everything that a trust domain publishes to be verified by. */
export interface SpiffeBundle {
  /** Whose bundle it is. */
  readonly trustDomain: TrustDomain;
  /** Verifies X.509-SVIDs, and nothing else. */
  readonly x509: X509Bundle;
  /** Verifies JWT-SVIDs, and nothing else. */
  readonly jwt: JwtBundle;
  /** Grows with each change; an older document does not replace a newer one. */
  readonly sequence?: bigint;
  /** How often the publisher wants to be asked, in milliseconds. */
  readonly refreshHintMs?: number;
  /** Entries of the document that are not used: of an unknown kind, or unreadable. */
  readonly ignored: readonly IgnoredKey[];
}

const AREA = 'bundle-document';
const MAX_SEQUENCE = 2n ** 64n - 1n;
/** The kinds that a certificate of ours may have; an entry of a kind unknown to us is not read (Trust Domain and Bundle 4.2.1). */
const X509_KEY_TYPES: ReadonlySet<JsonValue | undefined> = new Set(['RSA', 'EC', 'OKP']);

type Refuse = (rule: string, got: string) => SpiffeTlsError;

/**
 * Reads a document. An entry whose `use` is missing or unknown is ignored, as is one that can't be read; the rest counts.
 * @throws {SpiffeTlsError} `INVALID_BUNDLE` when it is no bundle document, is beyond the bounds (1 MiB, 512 keys), or repeats a name.
 * @example
 * const { x509, jwt, ignored } = parseBundleDocument(trustDomain, await readFile('bundle.json'));
 */
export function parseBundleDocument(trustDomain: TrustDomain, bytes: Uint8Array): SpiffeBundle {
  const refuse = refuserOf(trustDomain);
  if (bytes.length > MAX_BUNDLE_BYTES) throw refuse(`must have at most ${MAX_BUNDLE_BYTES} bytes`, `${bytes.length}`);
  return readBundleDocument(trustDomain, parseStrictJsonBytes(bytes, refuse, { bigIntegers: true }));
}

/** As {@link parseBundleDocument}, of a document that stands within another one. */
export function readBundleDocument(trustDomain: TrustDomain, document: JsonValue): SpiffeBundle {
  const refuse = refuserOf(trustDomain);
  const authorities: ParsedCertificate[] = [];
  const jwtKeys: JwtKey[] = [];
  const ignored: IgnoredKey[] = [];
  for (const [index, entry] of readKeys(document, refuse).entries()) {
    const read = readEntry(entry);
    if (typeof read === 'string') ignored.push({ index, reason: read });
    else if ('publicKey' in read) jwtKeys.push(read);
    else authorities.push(read);
  }
  const { spiffe_sequence: sequence, spiffe_refresh_hint: hint } = isJsonObject(document) ? document : {};
  return createSpiffeBundle({
    trustDomain,
    x509: new X509Bundle(trustDomain, authorities),
    jwt: new JwtBundle(trustDomain, jwtKeys),
    ignored,
    ...(sequence !== undefined && { sequence: readSequence(sequence, refuse) }),
    ...(hint !== undefined && { refreshHintMs: readRefreshHint(hint, refuse) }),
  });
}

/**
 * Puts a bundle together, to be published.
 * @throws {SpiffeTlsError} `INVALID_BUNDLE` when a part is another trust domain's: two are never merged.
 * @example
 * const bundle = createSpiffeBundle({ trustDomain, x509: X509Bundle.fromPem(trustDomain, pem) });
 */
export function createSpiffeBundle(
  parts: Pick<SpiffeBundle, 'trustDomain'> & Partial<Omit<SpiffeBundle, 'trustDomain'>>,
): SpiffeBundle {
  const { trustDomain, x509 = new X509Bundle(trustDomain, []), jwt = new JwtBundle(trustDomain, []) } = parts;
  for (const part of [x509, jwt]) {
    if (part.trustDomain.equals(trustDomain)) continue;
    const rule = `a bundle of ${quote(trustDomain.name)} must hold its own authorities only`;
    throw refusal('INVALID_BUNDLE', AREA, rule, `those of ${quote(part.trustDomain.name)}`);
  }
  return Object.freeze({ ...parts, x509, jwt, ignored: Object.freeze([...(parts.ignored ?? [])]) });
}

/**
 * Writes a document: one entry a certificate without `kid`, JWT keys with it.
 * @throws {SpiffeTlsError} `INVALID_BUNDLE` when two JWT keys have one `kid`, the sequence is no uint64, or a CA's key has no JWK form.
 * @example
 * await writeFile('bundle.json', marshalBundleDocument(bundle));
 */
export function marshalBundleDocument(bundle: SpiffeBundle): string {
  const refuse = refuserOf(bundle.trustDomain);
  const keyIds = new Set(bundle.jwt.keys.map(({ keyId }) => keyId));
  if (keyIds.size < bundle.jwt.keys.length) throw refuse('must have each kid once', 'one repeated');
  const keys = [
    ...bundle.x509.authorities.map((authority) => x509Entry(authority, refuse)),
    ...bundle.jwt.keys.map((key) => jwtEntry(key, refuse)),
  ];
  const members = [`"keys":${JSON.stringify(keys)}`];
  // By hand, because JSON.stringify takes no bigint.
  if (bundle.sequence !== undefined) members.push(`"spiffe_sequence":${readSequence(bundle.sequence, refuse)}`);
  if (bundle.refreshHintMs !== undefined) {
    members.push(`"spiffe_refresh_hint":${Math.max(1, Math.round(bundle.refreshHintMs / 1000))}`);
  }
  return `{${members.join(',')}}`;
}

/** Whether both say the same: authorities, sequence and refresh hint. */
export function equalBundles(left: SpiffeBundle, right: SpiffeBundle): boolean {
  const sameFacts = left.sequence === right.sequence && left.refreshHintMs === right.refreshHintMs;
  return sameFacts && left.x509.equals(right.x509) && left.jwt.equals(right.jwt);
}

function readEntry(entry: JsonValue): ParsedCertificate | JwtKey | string {
  if (!isJsonObject(entry)) return 'must be an object';
  const use = entry['use'];
  if (use === 'x509-svid') return readCertificate(entry);
  // SPIFFE: here `use` is required, unlike in what the Workload API sends.
  return use === 'jwt-svid' ? readJwtKey(entry) : 'use must be "x509-svid" or "jwt-svid"';
}

/** The first certificate is the authority; those after it only say who signed it. */
function readCertificate(entry: JsonObject): ParsedCertificate | string {
  if (!X509_KEY_TYPES.has(entry['kty'])) return 'kty must be RSA, EC or OKP';
  const x5c = entry['x5c'];
  const first = isJsonArray(x5c) ? x5c[0] : undefined;
  if (typeof first !== 'string') return 'x5c must hold a certificate';
  const der = decodeBase64(first);
  if (der === undefined) return 'x5c must be base64';
  try {
    return parseCertificate(der);
  } catch (cause) {
    if (cause instanceof SpiffeTlsError) return cause.message;
    throw cause;
  }
}

function readSequence(value: JsonValue, refuse: Refuse): bigint {
  const sequence = typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : value;
  if (typeof sequence !== 'bigint') throw refuse('spiffe_sequence must be an integer', kindOfJson(value));
  if (sequence < 0n || sequence > MAX_SEQUENCE)
    throw refuse('spiffe_sequence must be a uint64', 'a number out of range');
  return sequence;
}

function readRefreshHint(value: JsonValue, refuse: Refuse): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value * 1000;
  throw refuse('spiffe_refresh_hint must be seconds', kindOfJson(value));
}

function x509Entry({ x509, der }: ParsedCertificate, refuse: Refuse): JsonObject {
  const publicKey = readableKey(x509);
  const key = publicKey && writePublicJwk(publicKey);
  if (key === undefined) {
    throw refuse(
      'must have CA keys that JWK can describe',
      quote(publicKey?.asymmetricKeyType ?? 'one that is no key'),
    );
  }
  return { ...key, use: 'x509-svid', x5c: [Buffer.from(der).toString('base64')] };
}

/** A certificate is read without its key; one that is no point of its curve throws only when somebody asks for it. */
function readableKey(x509: X509Certificate): KeyObject | undefined {
  try {
    return x509.publicKey;
  } catch {
    return undefined;
  }
}

function jwtEntry({ keyId, publicKey, algorithm }: JwtKey, refuse: Refuse): JsonObject {
  const key = writePublicJwk(publicKey);
  if (key === undefined) throw refuse('must have JWT keys that JWK can describe', quote(keyId));
  return { ...key, use: 'jwt-svid', kid: keyId, ...(algorithm !== undefined && { alg: algorithm }) };
}

function refuserOf(trustDomain: TrustDomain): Refuse {
  return (rule, got) => refusal('INVALID_BUNDLE', AREA, `the document of ${quote(trustDomain.name)} ${rule}`, got);
}
