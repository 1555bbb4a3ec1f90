/**
 * JWT bundles: the keys by which one trust domain's JWT-SVIDs are verified, and sets of bundles keyed by trust domain. As
 * with X.509, two trust domains' keys are never merged (Trust Domain and Bundle 3), and keys of one kind of SVID are never
 * used for another (Workload API 6.2.2).
 */
import type { KeyObject } from 'node:crypto';
import { quote, refusal, type SpiffeTlsError } from './errors.ts';
import { readPublicJwk } from './jwk.ts';
import { isJwtAlgorithm, type JwtAlgorithm, type JwtKeyKind } from './jwt-algorithm.ts';
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue, parseStrictJsonBytes } from './strict-json.ts';
import type { TrustDomain } from './trust-domain.ts';

/** Where a validator looks up the bundle of the trust domain that a token's `sub` names. */
export interface JwtBundleSource {
  /** `undefined` when the trust domain is not trusted. */
  get(trustDomain: TrustDomain): JwtBundle | undefined;
}

/** One verification key. */
export interface JwtKey {
  readonly keyId: string;
  /** Which algorithms it fits. */
  readonly kind: JwtKeyKind;
  /** For `node:crypto`. */
  readonly publicKey: KeyObject;
  /** The one algorithm the key may be used with, where its publisher says so. */
  readonly algorithm?: JwtAlgorithm;
}

/** An entry of a document that is not used, and why. Other entries are not affected (Trust Domain and Bundle 4.2). */
export interface IgnoredKey {
  /** Position in `keys`. */
  readonly index: number;
  /** Why it was dropped. */
  readonly reason: string;
}

/** The largest bundle that is read, in whatever form. */
export const MAX_BUNDLE_BYTES = 1024 * 1024;
const MAX_KEYS = 512;
const MAX_KEY_ID_LENGTH = 1024;
const AREA = 'jwt-bundle';

/** The JWT authorities of one trust domain. Immutable. An empty bundle trusts nobody. */
export class JwtBundle {
  /** Whose keys these are. */
  readonly trustDomain: TrustDomain;
  /** In the order of the document. */
  readonly keys: readonly JwtKey[];
  /** Entries of the document that are not used. */
  readonly ignored: readonly IgnoredKey[];

  constructor(trustDomain: TrustDomain, keys: readonly JwtKey[], ignored: readonly IgnoredKey[] = []) {
    this.trustDomain = trustDomain;
    this.keys = Object.freeze([...keys]);
    this.ignored = Object.freeze([...ignored]);
    Object.freeze(this);
  }

  /**
   * Reads the JWKS that the Workload API sends. An entry with another `use` than `jwt-svid`, an unknown `kty`, no `kid` or a
   * weak key is ignored; one without `use` counts, because widespread servers leave it out there.
   * @throws {SpiffeTlsError} `INVALID_BUNDLE` when it is no JWKS, or beyond the bounds. Empty `keys` trust nobody.
   */
  static fromJwks(trustDomain: TrustDomain, jwks: Uint8Array): JwtBundle {
    const refuse = (rule: string, got: string) => invalidJwks(trustDomain, rule, got);
    if (jwks.length > MAX_BUNDLE_BYTES) throw refuse(`must have at most ${MAX_BUNDLE_BYTES} bytes`, `${jwks.length}`);
    const document = parseStrictJsonBytes(jwks, refuse);
    const ignored: IgnoredKey[] = [];
    const keys = readKeys(document, refuse).flatMap((entry, index) => {
      const use = isJsonObject(entry) ? entry['use'] : undefined;
      const key = use === undefined || use === 'jwt-svid' ? readJwtKey(entry) : 'use must be "jwt-svid"';
      if (typeof key !== 'string') return [key];
      ignored.push({ index, reason: key });
      return [];
    });
    return new JwtBundle(trustDomain, keys, ignored);
  }

  /** Whether both hold the same keys for the same trust domain, in whatever order. */
  equals(other: JwtBundle): boolean {
    const sameSize = this.keys.length === other.keys.length && this.trustDomain.equals(other.trustDomain);
    return sameSize && this.keys.every((key) => other.keys.some((candidate) => sameKey(key, candidate)));
  }
}

/** JWT bundles by trust domain, at most one for each. Immutable. */
export class JwtBundleSet implements JwtBundleSource {
  readonly #bundles: ReadonlyMap<string, JwtBundle>;

  private constructor(bundles: ReadonlyMap<string, JwtBundle>) {
    this.#bundles = bundles;
    Object.freeze(this);
  }

  /** @throws {SpiffeTlsError} `INVALID_BUNDLE` when two are for one trust domain: they are never merged. */
  static of(...bundles: JwtBundle[]): JwtBundleSet {
    const byName = new Map<string, JwtBundle>();
    for (const bundle of bundles) {
      const { name } = bundle.trustDomain;
      if (byName.has(name)) {
        throw refusal(
          'INVALID_BUNDLE',
          AREA,
          'a set must have one bundle for each trust domain',
          `two for ${quote(name)}`,
        );
      }
      byName.set(name, bundle);
    }
    return new JwtBundleSet(byName);
  }

  get(trustDomain: TrustDomain): JwtBundle | undefined {
    return this.#bundles.get(trustDomain.name);
  }

  trustDomains(): TrustDomain[] {
    return [...this.#bundles.values()].map((bundle) => bundle.trustDomain);
  }

  /** Whether both trust the same keys for the same trust domains. */
  equals(other: JwtBundleSet): boolean {
    const sameSize = this.#bundles.size === other.#bundles.size;
    return sameSize && [...this].every((bundle) => other.get(bundle.trustDomain)?.equals(bundle) ?? false);
  }

  [Symbol.iterator](): IterableIterator<JwtBundle> {
    return this.#bundles.values();
  }
}

/** The `keys` of a JWKS or bundle document; throws what `refuse` makes when there are none or too many. */
export function readKeys(document: JsonValue, refuse: (rule: string, got: string) => Error): readonly JsonValue[] {
  if (!isJsonObject(document)) throw refuse('must be a JSON object', 'something else');
  const keys = document['keys'];
  if (!isJsonArray(keys)) throw refuse('must have a list "keys"', keys === undefined ? 'none' : 'something else');
  if (keys.length > MAX_KEYS) throw refuse(`must have at most ${MAX_KEYS} keys`, `${keys.length}`);
  return keys;
}

/** One entry as a verification key, or why it is not used. `use` is the caller's to judge. */
export function readJwtKey(entry: JsonValue): JwtKey | string {
  if (!isJsonObject(entry)) return 'must be an object';
  const keyId = entry['kid'];
  if (typeof keyId !== 'string' || keyId === '') return 'kid must be a text that is not empty';
  if (keyId.length > MAX_KEY_ID_LENGTH) return `kid must have at most ${MAX_KEY_ID_LENGTH} characters`;
  const key = readPublicJwk(entry);
  if ('problem' in key) return key.problem;
  return withAlgorithm({ keyId, ...key }, entry);
}

function withAlgorithm(key: JwtKey, entry: JsonObject): JwtKey | string {
  const algorithm = entry['alg'];
  if (algorithm === undefined) return key;
  return isJwtAlgorithm(algorithm) ? { ...key, algorithm } : 'alg must be one that a JWT-SVID may have';
}

function sameKey(left: JwtKey, right: JwtKey): boolean {
  const sameUse = left.keyId === right.keyId && left.algorithm === right.algorithm;
  return sameUse && left.publicKey.equals(right.publicKey);
}

function invalidJwks(trustDomain: TrustDomain, rule: string, got: string): SpiffeTlsError {
  return refusal('INVALID_BUNDLE', AREA, `the JWKS of ${quote(trustDomain.name)} ${rule}`, got);
}
