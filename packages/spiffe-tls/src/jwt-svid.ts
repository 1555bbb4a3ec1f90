/**
 * JWT-SVIDs: a SPIFFE ID in a signed token, for where the connection can't carry it. A token is a bearer credential: whoever
 * reads it can use it at its audience until it expires, so prefer mTLS, ask for one audience, and keep its life short.
 */
import { inspect } from 'node:util';
import { quote, refusal } from './errors.ts';
import { keyKindOf, verifyJwtSignature } from './jwt-algorithm.ts';
import type { JwtBundle, JwtBundleSource, JwtKey } from './jwt-bundle.ts';
import { type DecodedJwt, decodeJwt } from './jwt-token.ts';
import type { SpiffeId } from './spiffe-id.ts';
import type { JsonObject } from './strict-json.ts';
import type { TrustDomain } from './trust-domain.ts';
import { HOW_TO_FEDERATE } from './verify-peer.ts';

const AREA = 'jwt-svid';
const DEFAULT_LEEWAY_MS = 30_000;
const MAX_LEEWAY_MS = 300_000;
/** A token without `kid` is tried with every key that fits; each costs a signature check. */
const MAX_KEYS_TRIED = 16;

/** A JWT-SVID whose claims were read. Immutable. The token itself stays out of logs and JSON. */
export class JwtSvid {
  /** The SPIFFE ID in `sub`. */
  readonly id: SpiffeId;
  /** In the order of the token. */
  readonly audience: readonly string[];
  /** Milliseconds since the epoch. */
  readonly expiresAtMs: number;
  /** Every claim, those of the issuer's own making included. Objects have no prototype. */
  readonly claims: JsonObject;
  /** Says what the SVID is for, where a workload has several; empty for one that was received from a peer. */
  readonly hint: string;
  readonly #token: string;

  constructor(decoded: Pick<DecodedJwt, 'id' | 'audience' | 'expiresAtMs' | 'claims' | 'token'>, hint = '') {
    this.id = decoded.id;
    this.audience = decoded.audience;
    this.expiresAtMs = decoded.expiresAtMs;
    this.claims = decoded.claims;
    this.hint = hint;
    this.#token = decoded.token;
    Object.freeze(this);
  }

  /** The compact token, to be sent. Never log it. */
  token(): string {
    return this.#token;
  }

  /** What logs may show. */
  toJSON(): { id: string; audience: readonly string[]; expiresAt: string } {
    return { id: this.id.toString(), audience: this.audience, expiresAt: new Date(this.expiresAtMs).toISOString() };
  }

  [inspect.custom](): string {
    return `JwtSvid ${JSON.stringify(this)}`;
  }
}

/** What {@link validateJwtSvid} judges by. */
export interface ValidateJwtSvidOptions {
  /** The name, or the names, by which this service is addressed: the token must be for one of them. Never empty. */
  readonly audience: string | readonly string[];
  /** Bundles by trust domain. Only that of the trust domain in the token's `sub` is looked at. */
  readonly bundles: JwtBundleSource;
  /** The time to judge by, in milliseconds since the epoch. */
  readonly nowMs: number;
  /** How far the issuer's clock may be off, for `exp` and `nbf`. Default 30 000; from 0 to 300 000. */
  readonly leewayMs?: number;
  /** The trust domains whose members are accepted. Default: each one that has a bundle. An empty list refuses all. */
  readonly trustDomains?: readonly TrustDomain[];
  /**
   * Lets headers pass that the standard does not name, for issuers that add some. Those that choose a key (`jwk`, `jku`,
   * `x5c`, `x5u`) or change what is signed (`crit`, `b64`) never pass. Default `false`, as the standard says.
   */
  readonly allowExtraHeaders?: boolean;
}

/**
 * Validates a token without asking anybody (JWT-SVID 5): synchronous, with a key of the bundle of the trust domain that
 * `sub` names and no other. Who may call is then the caller's to decide, by `id`.
 *
 * `iat` is not looked at, and nothing is remembered: a token can be sent again until it expires.
 * @throws {SpiffeTlsError} `JWT_MALFORMED`, `JWT_ALGORITHM`, `JWT_HEADER`, `JWT_CLAIM`, `TRUST_DOMAIN_NOT_ALLOWED`, `NO_BUNDLE`,
 * `JWT_KEY_UNKNOWN`, `JWT_SIGNATURE`, `JWT_AUDIENCE`, `EXPIRED`, `NOT_YET_VALID`
 * @throws {TypeError} for an empty audience, a time that is no number or a leeway out of range.
 * @example
 * const svid = validateJwtSvid(token, { audience: 'spiffe://example.org/backend', bundles, nowMs: Date.now() });
 */
export function validateJwtSvid(token: string, options: ValidateJwtSvidOptions): JwtSvid {
  const settings = checkOptions(options);
  const decoded = decodeJwt(token, options);
  const bundle = bundleFor(decoded.id, options);
  // The signature before what the token says of itself: an error about audience or time is then about a real token.
  checkSignature(decoded, bundle);
  checkAudience(decoded.audience, settings.audiences);
  checkTime(decoded, options.nowMs, settings.leewayMs);
  return new JwtSvid(decoded);
}

function checkOptions({ audience, nowMs, leewayMs = DEFAULT_LEEWAY_MS }: ValidateJwtSvidOptions) {
  const audiences = typeof audience === 'string' ? [audience] : audience;
  if (audiences.length === 0 || audiences.some((name) => name === '')) {
    throw new TypeError('jwt-svid: audience must not be empty: it is what keeps a token for another service out');
  }
  // Comparisons with NaN are false, so a broken clock would find nothing expired.
  if (!Number.isFinite(nowMs)) throw new TypeError(`jwt-svid: nowMs must be a finite number, got ${nowMs}`);
  if (!(leewayMs >= 0 && leewayMs <= MAX_LEEWAY_MS)) {
    throw new TypeError(`jwt-svid: leewayMs must be from 0 to ${MAX_LEEWAY_MS}, got ${leewayMs}`);
  }
  return { audiences, leewayMs };
}

// ZERO TRUST: the trust domain, and with it the only keys that count, comes from `sub`. A header can't point at a key.
function bundleFor({ trustDomain }: SpiffeId, { bundles, trustDomains }: ValidateJwtSvidOptions): JwtBundle {
  const name = quote(trustDomain.name);
  if (trustDomains !== undefined && !trustDomains.some((allowed) => allowed.equals(trustDomain))) {
    throw refusal('TRUST_DOMAIN_NOT_ALLOWED', AREA, 'trust domain of sub must be one of the allowed', name);
  }
  const bundle = bundles.get(trustDomain);
  // A source that hands out another trust domain's bundle would let that domain mint this one's identities.
  const own = bundle?.trustDomain.equals(trustDomain) ? bundle : undefined;
  if (own !== undefined && own.keys.length > 0) return own;
  const rule = `trust domain ${name} must have a JWT bundle (${HOW_TO_FEDERATE})`;
  throw refusal('NO_BUNDLE', AREA, rule, own === undefined ? 'none' : 'an empty one');
}

function checkSignature(jwt: DecodedJwt, bundle: JwtBundle): void {
  const candidates = bundle.keys.filter((key) => fits(key, jwt)).slice(0, MAX_KEYS_TRIED);
  if (candidates.length === 0) {
    const wanted = jwt.keyId === undefined ? '' : ` with kid ${quote(jwt.keyId)}`;
    const rule = `the bundle of ${quote(bundle.trustDomain.name)} must have a key for ${jwt.alg}${wanted}`;
    throw refusal('JWT_KEY_UNKNOWN', AREA, rule, `none among ${bundle.keys.length}`);
  }
  const { alg, signed, signature } = jwt;
  if (candidates.some(({ publicKey: key, kind }) => verifyJwtSignature({ alg, key, kind, signed, signature }))) return;
  const rule = `the signature must be by a key of ${quote(bundle.trustDomain.name)}`;
  throw refusal('JWT_SIGNATURE', AREA, rule, `none of ${candidates.length} tried`);
}

/** SPIFFE: `kid` is optional in a token (JWT-SVID 2.2); without it every key of the right kind is tried. */
function fits(key: JwtKey, { keyId, alg }: DecodedJwt): boolean {
  const named = keyId === undefined || key.keyId === keyId;
  return named && key.kind === keyKindOf(alg) && (key.algorithm === undefined || key.algorithm === alg);
}

function checkAudience(actual: readonly string[], accepted: readonly string[]): void {
  if (actual.some((name) => accepted.includes(name))) return;
  const rule = `aud must hold ${accepted.map((name) => quote(name)).join(' or ')}`;
  throw refusal('JWT_AUDIENCE', AREA, rule, quote(actual.join(' ')));
}

function checkTime({ expiresAtMs, notBeforeMs }: DecodedJwt, nowMs: number, leewayMs: number): void {
  const now = new Date(nowMs).toISOString();
  if (nowMs >= expiresAtMs + leewayMs) {
    throw refusal('EXPIRED', AREA, `exp must be after ${now}`, new Date(expiresAtMs).toISOString());
  }
  if (notBeforeMs !== undefined && nowMs < notBeforeMs - leewayMs) {
    throw refusal('NOT_YET_VALID', AREA, `nbf must not be after ${now}`, new Date(notBeforeMs).toISOString());
  }
}
