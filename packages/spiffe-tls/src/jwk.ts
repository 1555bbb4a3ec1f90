/**
 * Public keys in JWK form (RFC 7517, RFC 7518): read strictly, and written again for bundle documents.
 */
import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { decodeBase64Url } from './base64.ts';
import type { JwtKeyKind } from './jwt-algorithm.ts';
import type { JsonObject, JsonValue } from './strict-json.ts';

/** A usable public key. */
export interface PublicJwk {
  readonly kind: JwtKeyKind;
  readonly publicKey: KeyObject;
}

/** Why an entry of a JWKS is not used. */
export interface JwkProblem {
  readonly problem: string;
}

const COORDINATE_BYTES: ReadonlyMap<string, number> = new Map<JwtKeyKind, number>([
  ['P-256', 32],
  ['P-384', 48],
  ['P-521', 66],
]);

const MIN_RSA_BITS = 2048;
// Verifying with a huge modulus or exponent is work that whoever sends a token could ask for.
const MAX_RSA_BITS = 8192;
const MAX_RSA_EXPONENT_BYTES = 4;

/** Reads the key of one entry. What can't be used is a problem and not an error: the other entries still count. */
export function readPublicJwk(jwk: JsonObject): PublicJwk | JwkProblem {
  // A private key in a published document is a leak; using it would hide that.
  if (jwk['d'] !== undefined || jwk['k'] !== undefined) return { problem: 'holds a private key' };
  if (jwk['kty'] === 'RSA') return readRsa(jwk);
  if (jwk['kty'] === 'EC') return readEc(jwk);
  return { problem: 'kty must be RSA or EC' };
}

function readRsa(jwk: JsonObject): PublicJwk | JwkProblem {
  const modulus = decoded(jwk['n']);
  const exponent = decoded(jwk['e']);
  if (modulus === undefined || exponent === undefined) return { problem: 'n and e must be base64url' };
  const bits = bitLength(modulus);
  if (bits < MIN_RSA_BITS || bits > MAX_RSA_BITS) return { problem: `RSA must have 2048 to 8192 bits, got ${bits}` };
  const odd = ((exponent.at(-1) ?? 0) & 1) === 1;
  if (!odd || bitLength(exponent) < 2 || exponent.length > MAX_RSA_EXPONENT_BYTES) {
    return { problem: 'RSA exponent must be odd, above 1 and at most 4 bytes' };
  }
  return importKey('RSA', { kty: 'RSA', n: modulus.toString('base64url'), e: exponent.toString('base64url') });
}

function readEc(jwk: JsonObject): PublicJwk | JwkProblem {
  const curve = jwk['crv'];
  if (!isCurve(curve)) return { problem: 'crv must be P-256, P-384 or P-521' };
  const size = COORDINATE_BYTES.get(curve);
  const x = decoded(jwk['x']);
  const y = decoded(jwk['y']);
  if (x === undefined || y === undefined || x.length !== size || y.length !== size) {
    return { problem: `x and y must be base64url of ${size} bytes` };
  }
  return importKey(curve, { kty: 'EC', crv: curve, x: x.toString('base64url'), y: y.toString('base64url') });
}

function isCurve(curve: JsonValue | undefined): curve is JwtKeyKind {
  return typeof curve === 'string' && COORDINATE_BYTES.has(curve);
}

function importKey(kind: JwtKeyKind, key: JsonWebKey): PublicJwk | JwkProblem {
  try {
    return { kind, publicKey: createPublicKey({ key, format: 'jwk' }) };
  } catch {
    // For one, a point that is not on its curve.
    return { problem: 'its numbers are no key' };
  }
}

/** The members that describe a public key, for a bundle document. `undefined` for a kind that JWK writes otherwise. */
export function writePublicJwk(publicKey: KeyObject): JsonObject | undefined {
  const type = publicKey.asymmetricKeyType;
  if (type !== 'rsa' && type !== 'ec' && type !== 'ed25519') return undefined;
  const { kty, crv, n, e, x, y } = publicKey.export({ format: 'jwk' });
  const members = Object.entries({ kty, crv, n, e, x, y });
  return Object.fromEntries(members.filter((member): member is [string, string] => member[1] !== undefined));
}

function decoded(value: JsonValue | undefined): Buffer | undefined {
  if (typeof value !== 'string' || value === '') return undefined;
  return decodeBase64Url(value);
}

function bitLength(integer: Uint8Array): number {
  const first = integer.findIndex((byte) => byte !== 0);
  return first === -1 ? 0 : (integer.length - first) * 8 - (Math.clz32(integer[first] ?? 0) - 24);
}
