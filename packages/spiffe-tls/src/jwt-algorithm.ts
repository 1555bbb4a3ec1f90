/**
 * The nine signature algorithms that a JWT-SVID may have (JWT-SVID 2.1), which keys fit each, and the check itself.
 *
 * On `node:crypto` and not on a JOSE library: the verdict stays synchronous, so that a guard gives it in the tick in which
 * the token arrived, and nothing else in the tree reads tokens. A library such as jose would answer by promise, let a
 * repeated member pass and ignore headers that SPIFFE forbids, so each rule would be written here all the same.
 */
import { constants, type KeyObject, verify } from 'node:crypto';

/** An `alg` that SPIFFE allows. */
export type JwtAlgorithm = 'RS256' | 'RS384' | 'RS512' | 'ES256' | 'ES384' | 'ES512' | 'PS256' | 'PS384' | 'PS512';

/** The kind of a public key, as far as an algorithm depends on it. */
export type JwtKeyKind = 'RSA' | 'P-256' | 'P-384' | 'P-521';

interface AlgorithmFacts {
  readonly kind: JwtKeyKind;
  readonly hash: 'sha256' | 'sha384' | 'sha512';
  /** Of an RSA key; an elliptic curve has none. */
  readonly padding?: number;
}

const PKCS1 = constants.RSA_PKCS1_PADDING;
const PSS = constants.RSA_PKCS1_PSS_PADDING;

/** A Map, because a header may say `"alg":"constructor"`. */
const ALGORITHMS: ReadonlyMap<string, AlgorithmFacts> = new Map<JwtAlgorithm, AlgorithmFacts>([
  ['RS256', { kind: 'RSA', hash: 'sha256', padding: PKCS1 }],
  ['RS384', { kind: 'RSA', hash: 'sha384', padding: PKCS1 }],
  ['RS512', { kind: 'RSA', hash: 'sha512', padding: PKCS1 }],
  ['ES256', { kind: 'P-256', hash: 'sha256' }],
  ['ES384', { kind: 'P-384', hash: 'sha384' }],
  ['ES512', { kind: 'P-521', hash: 'sha512' }],
  ['PS256', { kind: 'RSA', hash: 'sha256', padding: PSS }],
  ['PS384', { kind: 'RSA', hash: 'sha384', padding: PSS }],
  ['PS512', { kind: 'RSA', hash: 'sha512', padding: PSS }],
]);

/** Whether a header's `alg` is one of the nine: `none`, HMAC, EdDSA and ES256K are not. */
export function isJwtAlgorithm(alg: unknown): alg is JwtAlgorithm {
  return typeof alg === 'string' && ALGORITHMS.has(alg);
}

/** The kind of key that an algorithm takes: ES384 a P-384 key and no other. */
export function keyKindOf(alg: JwtAlgorithm): JwtKeyKind | undefined {
  return ALGORITHMS.get(alg)?.kind;
}

/** What {@link verifyJwtSignature} needs. */
export interface JwtSignatureInput {
  readonly alg: JwtAlgorithm;
  readonly key: KeyObject;
  /** Of `key`. */
  readonly kind: JwtKeyKind;
  /** Header and payload as sent, with the dot between them. */
  readonly signed: string;
  readonly signature: Uint8Array;
}

/** Whether the signature holds. A key of another kind than the algorithm's never gets as far as the crypto library. */
export function verifyJwtSignature({ alg, key, kind, signed, signature }: JwtSignatureInput): boolean {
  const facts = ALGORITHMS.get(alg);
  if (facts === undefined || facts.kind !== kind) return false;
  const { hash, padding } = facts;
  const options =
    padding === undefined
      ? { key, dsaEncoding: 'ieee-p1363' as const }
      : { key, padding, ...(padding === PSS && { saltLength: constants.RSA_PSS_SALTLEN_DIGEST }) };
  return verify(hash, Buffer.from(signed), options, signature);
}
