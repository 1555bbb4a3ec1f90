/**
 * Validates a JWT-SVID for a workload (SPIFFE Workload API section 6.2.3): everything that JWT-SVID sections 2 to 5 ask
 * for, by the bundle of the trust domain that the token's subject names and by no other.
 */
import { quote, SpiffeId, SpiffeTlsError } from '@countersign/spiffe-tls';
import { compactVerify, importJWK } from 'jose';
import { DevTrustDomainError } from './errors.ts';
import type { JwtKey } from './jwt-authority.ts';
import type { TrustBundle } from './trust-bundle.ts';

/** What is validated, and by what. */
export interface ValidateJwtSvidInput {
  readonly token: string;
  /** The one that the token must name. */
  readonly audience: string;
  readonly bundles: readonly TrustBundle[];
  readonly nowMs: number;
}

/** A token that is valid. */
export interface ValidJwtSvid {
  readonly spiffeId: string;
  /** All claims of the payload. */
  readonly claims: Readonly<Record<string, unknown>>;
}

type Fields = Readonly<Record<string, unknown>>;

interface KeyKind {
  readonly kty: string;
  readonly crv?: string;
}

const RSA: KeyKind = { kty: 'RSA' };
/** The key type, and for ECDSA the curve, that each permitted algorithm goes with (JWT-SVID section 2.1). */
const ALGORITHMS: ReadonlyMap<string, KeyKind> = new Map<string, KeyKind>([
  ['RS256', RSA],
  ['RS384', RSA],
  ['RS512', RSA],
  ['PS256', RSA],
  ['PS384', RSA],
  ['PS512', RSA],
  ['ES256', { kty: 'EC', crv: 'P-256' }],
  ['ES384', { kty: 'EC', crv: 'P-384' }],
  ['ES512', { kty: 'EC', crv: 'P-521' }],
]);
const HEADER_PARAMETERS = new Set(['alg', 'kid', 'typ']);
const TYPES: readonly unknown[] = [undefined, 'JWT', 'JOSE'];
const BASE64URL = /^[A-Za-z0-9_-]+$/;
/** A token without `kid` is tried with this many keys: a bundle of thousands must not buy thousands of verifications. */
const MAX_KEYS_TRIED = 16;

/**
 * Validates a token.
 * @throws {DevTrustDomainError} `JWT_SVID`, with the rule that is broken. The message never holds the token.
 */
export async function validateJwtSvid({
  token,
  audience,
  bundles,
  nowMs,
}: ValidateJwtSvidInput): Promise<ValidJwtSvid> {
  const parts = token.split('.');
  const [header = '', payload = '', signature = ''] = parts;
  if (parts.length !== 3 || ![header, payload, signature].every((part) => BASE64URL.test(part)))
    throw invalid('must be a JWS in compact serialization, three parts of base64url');
  const { alg, kid } = readHeader(parseJson(header, 'header'));
  const claims = parseJson(payload, 'payload');
  const id = readSubject(claims['sub']);
  checkClaims(claims, audience, nowMs);
  const bundle = bundles.find(({ trustDomainId }) => trustDomainId === id.trustDomain.id);
  if (bundle === undefined) throw invalid(`there is no bundle of ${quote(id.trustDomain.name)}`);
  const keys = bundle.jwtAuthorities.filter((key) => isFit(key, alg) && (kid === undefined || key.kid === kid));
  if (keys.length === 0) throw invalid(`the bundle of ${quote(id.trustDomain.name)} has no key for it`, kid);
  if (!(await isSignedByOne(token, alg, keys.slice(0, MAX_KEYS_TRIED)))) throw invalid('the signature does not verify');
  return { spiffeId: id.toString(), claims };
}

function readHeader(header: Fields): { alg: string; kid: string | undefined } {
  const { alg, kid, typ } = header;
  // Before any cryptography: `none` and HMAC must not get as far as a key.
  if (typeof alg !== 'string' || !ALGORITHMS.has(alg)) throw invalid('alg must be one of RS, PS, ES with SHA-2', alg);
  const extra = Object.keys(header).find((name) => !HEADER_PARAMETERS.has(name));
  if (extra !== undefined) throw invalid('the header must hold alg, kid and typ alone', extra);
  if (!TYPES.includes(typ)) throw invalid('typ must be JWT or JOSE', typ);
  if (kid !== undefined && typeof kid !== 'string') throw invalid('kid must be a string', kid);
  return { alg, kid };
}

function readSubject(sub: unknown): SpiffeId {
  if (typeof sub !== 'string') throw invalid('sub is missing');
  try {
    const id = SpiffeId.parse(sub);
    if (id.path !== '') return id;
  } catch (cause) {
    if (!(cause instanceof SpiffeTlsError)) throw cause;
    throw invalid(`sub is not a SPIFFE ID: ${cause.message}`);
  }
  throw invalid('sub must have a path', sub);
}

/** No leeway: issuer and validator are one machine here. `iat` is not for validation (RFC 7519, 4.1.6). */
function checkClaims({ aud, exp, nbf }: Fields, audience: string, nowMs: number): void {
  const audiences: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  if (!audiences.includes(audience)) throw invalid('aud must name the audience', audience);
  if (typeof exp !== 'number') throw invalid('exp is missing');
  if (exp * 1000 <= nowMs) throw invalid('it has expired', String(exp));
  if (nbf === undefined) return;
  if (typeof nbf !== 'number') throw invalid('nbf must be a number');
  if (nbf * 1000 > nowMs) throw invalid('it is not valid yet', String(nbf));
}

function isFit(key: JwtKey, alg: string): boolean {
  const wanted = ALGORITHMS.get(alg);
  const isOfKind = key.kty === wanted?.kty && (wanted?.crv === undefined || key.crv === wanted.crv);
  return isOfKind && (key.use === undefined || key.use === 'jwt-svid') && (key.alg === undefined || key.alg === alg);
}

async function isSignedByOne(token: string, alg: string, keys: readonly JwtKey[]): Promise<boolean> {
  for (const jwk of keys) {
    try {
      await compactVerify(token, await importJWK(jwk, alg), { algorithms: [alg] });
      return true;
    } catch {
      // A key that can't be imported is like one that did not sign.
    }
  }
  return false;
}

function parseJson(part: string, name: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(part, 'base64url')));
  } catch {
    throw invalid(`the ${name} must be JSON`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid(`the ${name} must be a JSON object`);
  return value as Fields;
}

function invalid(rule: string, got?: unknown): DevTrustDomainError {
  const value = got === undefined ? '' : `, got ${quote(typeof got === 'string' ? got : JSON.stringify(got))}`;
  return new DevTrustDomainError('JWT_SVID', `jwt-svid: ${rule}${value}`);
}
