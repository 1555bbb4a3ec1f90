/**
 * An issuer of JWT-SVIDs for tests, which signs whatever it is told to. Only tests import it.
 */
import { constants, createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { JwtBundle } from '../src/jwt-bundle.ts';
import { TrustDomain } from '../src/trust-domain.ts';

/** The time that tests judge by. */
export const NOW_MS = Date.UTC(2026, 0, 1);
/** The service that tokens are for, unless a test says otherwise. */
export const AUDIENCE = 'spiffe://example.org/backend';

export type TestJwtKeyKind = 'RSA' | 'RSA-1024' | 'P-256' | 'P-384' | 'P-521' | 'secp256k1' | 'Ed25519';

/** A key pair with its entry in a JWKS. */
export interface TestJwtKey {
  readonly keyId: string;
  readonly privateKey: KeyObject;
  readonly jwk: Readonly<Record<string, unknown>>;
}

/** Makes a key pair. */
export function createJwtKey(kind: TestJwtKeyKind = 'P-256', keyId = `key-${kind}`): TestJwtKey {
  const { publicKey, privateKey } = keyPair(kind);
  return { keyId, privateKey, jwk: { ...publicKey.export({ format: 'jwk' }), kid: keyId, use: 'jwt-svid' } };
}

function keyPair(kind: TestJwtKeyKind) {
  if (kind === 'RSA') return generateKeyPairSync('rsa', { modulusLength: 2048 });
  if (kind === 'RSA-1024') return generateKeyPairSync('rsa', { modulusLength: 1024 });
  if (kind === 'Ed25519') return generateKeyPairSync('ed25519');
  return generateKeyPairSync('ec', { namedCurve: kind });
}

/** Proper claims, with changes; `undefined` removes one. */
export function claimsWith(changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  const seconds = NOW_MS / 1000;
  return { sub: 'spiffe://example.org/web', aud: [AUDIENCE], exp: seconds + 300, iat: seconds, ...changes };
}

/** What a token is made of. Texts go in as they are, so that they can be no JSON at all. */
export interface TokenParts {
  readonly header?: Readonly<Record<string, unknown>> | string;
  readonly claims?: Readonly<Record<string, unknown>> | string;
  /** The algorithm to sign by, if not that of the header. */
  readonly signBy?: string;
}

/** Signs a token. The header is `alg`, `kid` and `typ` unless told otherwise. */
export function signToken(key: TestJwtKey, alg: string, parts: TokenParts = {}): string {
  const header = textOf(parts.header, { alg, kid: key.keyId, typ: 'JWT' });
  const signed = `${encode(header)}.${encode(textOf(parts.claims, claimsWith()))}`;
  return `${signed}.${signatureOf(key.privateKey, parts.signBy ?? alg, signed).toString('base64url')}`;
}

/** Base64url of a text or bytes. */
export function encode(content: string | Uint8Array): string {
  return Buffer.from(content).toString('base64url');
}

function textOf(part: Readonly<Record<string, unknown>> | string | undefined, otherwise: object): string {
  return typeof part === 'string' ? part : JSON.stringify(part ?? otherwise);
}

function signatureOf(key: KeyObject, alg: string, signed: string): Buffer {
  const data = Buffer.from(signed);
  if (alg === 'none') return Buffer.alloc(0);
  if (alg === 'EdDSA') return sign(null, data, key);
  const hash = `sha${alg.slice(2, 5)}`;
  if (alg.startsWith('HS'))
    return createHmac(hash, key.export({ format: 'der', type: 'pkcs8' }))
      .update(data)
      .digest();
  if (alg.startsWith('ES')) return sign(hash, data, { key, dsaEncoding: 'ieee-p1363' });
  const padding = alg.startsWith('PS') ? constants.RSA_PKCS1_PSS_PADDING : constants.RSA_PKCS1_PADDING;
  return sign(hash, data, {
    key,
    padding,
    ...(alg.startsWith('PS') && { saltLength: constants.RSA_PSS_SALTLEN_DIGEST }),
  });
}

/** A key, or an entry written by hand. */
type JwksEntry = TestJwtKey | Readonly<Record<string, unknown>>;

/** The JWKS document of some entries. */
export function jwksOf(...entries: readonly JwksEntry[]): Buffer {
  return Buffer.from(JSON.stringify({ keys: entries.map((entry) => ('jwk' in entry ? entry.jwk : entry)) }));
}

/** The bundle of a trust domain. */
export function jwtBundleOf(trustDomain: string, ...entries: readonly JwksEntry[]): JwtBundle {
  return JwtBundle.fromJwks(TrustDomain.parse(trustDomain), jwksOf(...entries));
}
