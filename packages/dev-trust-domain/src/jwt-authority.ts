/**
 * The key that signs JWT-SVIDs, and its place on disk. What it puts into tokens follows JWT-SVID sections 2 and 3.
 */
import { join } from 'node:path';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from 'jose';
import type { AuthorityKind, AuthorityStore, StoredAuthorities } from './authorities.ts';
import { readPrivateFile, writePrivateFile } from './private-file.ts';

/** What signs JWT-SVIDs. */
export type JwtAlgorithm = 'ES256' | 'RS256';

/** All of {@link JwtAlgorithm}. */
export const JWT_ALGORITHMS: readonly JwtAlgorithm[] = ['ES256', 'RS256'];

/** A public key as JWKS documents hold it: with `kid` and `use`. */
export type JwtKey = JWK;

/** What a JWT-SVID says. */
export interface JwtSvidRequest {
  readonly spiffeId: string;
  readonly audience: readonly string[];
  readonly nowMs: number;
  readonly ttlMs: number;
  /** Its `iss`, for verifiers that know no SPIFFE. Default: none. */
  readonly issuer?: string;
}

/** A token with the time of its end. */
export interface IssuedJwtSvid {
  /** JWS in compact serialization. */
  readonly token: string;
  readonly notAfterMs: number;
}

/** A key that can sign. */
export interface JwtAuthority {
  readonly publicJwk: JwtKey;
  readonly algorithm: JwtAlgorithm;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** When a token of such a request would end: no token outlives its key. */
  expiryOf(request: Pick<JwtSvidRequest, 'nowMs' | 'ttlMs'>): number;
  issue(request: JwtSvidRequest): Promise<IssuedJwtSvid>;
  /** With the private parts, for the store. */
  readonly privateJwk: () => JWK;
}

/** How JWT authorities of a trust domain are made and kept; without a directory, in memory. */
export function createJwtAuthorityKind(options: {
  readonly algorithm: JwtAlgorithm;
  readonly ttlMs: number;
  readonly store: AuthorityStore<JwtAuthority, JwtKey>;
}): AuthorityKind<JwtAuthority, JwtKey> {
  const { algorithm, ttlMs, store } = options;
  return {
    create: async (nowMs) => {
      const { privateKey } = await generateKeyPair(algorithm, { extractable: true });
      const jwk = await exportJWK(privateKey);
      return createJwtAuthority(jwk, { algorithm, notBeforeMs: nowMs, notAfterMs: nowMs + ttlMs });
    },
    publicOf: ({ publicJwk }) => publicJwk,
    idOf: ({ kid = '' }) => kid,
    store,
  };
}

type Life = Pick<JwtAuthority, 'algorithm' | 'notBeforeMs' | 'notAfterMs'>;

async function createJwtAuthority(privateJwk: JWK, life: Life): Promise<JwtAuthority> {
  const key = await importJWK(privateJwk, life.algorithm);
  const publicJwk = await toPublicJwk(privateJwk);
  const { kid = '' } = publicJwk;
  const expiryOf = ({ nowMs, ttlMs }: Pick<JwtSvidRequest, 'nowMs' | 'ttlMs'>) =>
    Math.floor(Math.min(nowMs + ttlMs, life.notAfterMs) / 1000) * 1000;
  return {
    ...life,
    publicJwk,
    expiryOf,
    privateJwk: () => privateJwk,
    async issue(request) {
      const notAfterMs = expiryOf(request);
      const { issuer } = request;
      const token = await new SignJWT({
        ...(issuer === undefined ? {} : { iss: issuer }),
        sub: request.spiffeId,
        aud: [...request.audience],
        iat: Math.floor(request.nowMs / 1000),
        exp: notAfterMs / 1000,
      })
        // SPIFFE: these three and nothing else (JWT-SVID section 2).
        .setProtectedHeader({ alg: life.algorithm, kid, typ: 'JWT' })
        .sign(key);
      return { token, notAfterMs };
    },
  };
}

/** Member by member, so that no private one can slip through. The key ID is the thumbprint (RFC 7638). */
async function toPublicJwk(jwk: JWK): Promise<JwtKey> {
  const { kty = '', crv, x, y, n, e } = jwk;
  const parameters: JWK = kty === 'RSA' ? definedOf({ kty, n, e }) : definedOf({ kty, crv, x, y });
  return { ...parameters, kid: await calculateJwkThumbprint(parameters), use: 'jwt-svid' };
}

function definedOf(jwk: { readonly [name: string]: string | undefined }): JWK {
  return Object.fromEntries(Object.entries(jwk).filter(([, value]) => value !== undefined));
}

/** What the file holds. */
interface StoredKeys extends Omit<Life, 'algorithm'> {
  readonly algorithm: JwtAlgorithm;
  readonly key: JWK;
  readonly others: readonly JwtKey[];
}

/** Keeps the keys in `jwt-keys.json` of a directory, which is made with mode 0700. */
export function createJwtFileStore(directory: string): AuthorityStore<JwtAuthority, JwtKey> {
  const file = join(directory, 'jwt-keys.json');
  return {
    async load(nowMs) {
      const text = await readPrivateFile(file);
      return text === undefined ? { unusable: 'none stored yet' } : parseStored(text, nowMs);
    },
    async save({ algorithm, notBeforeMs, notAfterMs, privateJwk }, others) {
      const stored: StoredKeys = { algorithm, notBeforeMs, notAfterMs, key: privateJwk(), others };
      await writePrivateFile(file, `${JSON.stringify(stored)}\n`);
    },
  };
}

/** As with the CA, a key that can't be used is replaced, and the reason is logged. */
async function parseStored(
  text: string,
  nowMs: number,
): Promise<StoredAuthorities<JwtAuthority, JwtKey> | { unusable: string }> {
  try {
    const { key, others, algorithm, notBeforeMs, notAfterMs } = JSON.parse(text) as StoredKeys;
    if (!JWT_ALGORITHMS.includes(algorithm)) return { unusable: 'its algorithm is not known' };
    if (!(notAfterMs > nowMs)) return { unusable: 'it has expired' };
    const active = await createJwtAuthority(key, { algorithm, notBeforeMs, notAfterMs });
    return { active, others: await Promise.all(others.map(toPublicJwk)) };
  } catch {
    return { unusable: 'it can not be parsed' };
  }
}
