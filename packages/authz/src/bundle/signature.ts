/**
 * ZERO TRUST: the signature of a bundle, OPA's `.signatures.json`: one JWT over the hashes of all files. With a key
 * configured, a bundle is taken only if the JWT is that key's and names each file of the bundle, with its hash, and no other.
 *
 * HMAC is left out on purpose: the secret that checks a signature also makes one, so each service could write its own
 * policy, and so could whoever reads one service's files.
 */
import { constants, createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';
import { quote } from '@countersign/spiffe-tls';
import { AuthzError } from '../errors.ts';
import { HASHES, structuredHash } from './structured-hash.ts';

/** Algorithms of a bundle's signature. */
export type BundleAlgorithm = 'RS256' | 'RS384' | 'RS512' | 'PS256' | 'PS384' | 'PS512' | 'ES256' | 'ES384' | 'ES512';

/** A key that may sign bundles. */
export interface BundleKey {
  /** Its name in signatures. Not looked at when it is the only key. */
  readonly id: string;
  /** The one algorithm that it is used with; the JWT does not choose. */
  readonly algorithm: BundleAlgorithm;
  /** PEM, `BEGIN PUBLIC KEY`; RSA of 2048 bits or more, or the algorithm's curve. */
  readonly publicKey: string;
  /** What the signature must be for, OPA's `scope`. Default: none, and then a signature with one is refused. */
  readonly scope?: string;
}

/** Decides about a bundle's files. @throws {AuthzError} `BUNDLE_SIGNATURE`. */
export type BundleVerifier = (files: ReadonlyMap<string, Uint8Array>) => void;

/** The file that is not covered by itself. */
export const SIGNATURES_FILE = '.signatures.json';

const CURVES: Readonly<Record<string, string>> = { ES256: 'prime256v1', ES384: 'secp384r1', ES512: 'secp521r1' };
/** OPA hashes these as documents, wherever they are. */
const STRUCTURED = /(?:^|\/)(?:data\.json|\.manifest)$/;
const BASE64URL = /^[A-Za-z0-9_-]+$/;

/**
 * Makes the verifier.
 * @throws {TypeError} when there is no key, two have one name, or a key does not fit its algorithm.
 * @example
 * createBundleVerifier([{ id: 'release', algorithm: 'ES256', publicKey: readFileSync('key.pem', 'utf8') }]);
 */
export function createBundleVerifier(keys: readonly BundleKey[]): BundleVerifier {
  if (keys.length === 0) throw new TypeError('bundle verification: at least one key is needed');
  const known = new Map(keys.map((key) => [key.id, { ...key, key: readKey(key) }]));
  if (known.size < keys.length) throw new TypeError('bundle verification: each key needs an id of its own');
  return (files) => {
    const token = tokenIn(files);
    const parts = splitToken(token);
    const key = chooseKey(known, parts);
    if (!verifies(key, parts)) throw refused(`must be signed by key ${quote(key.id)}`);
    if ((parts.payload.scope ?? '') !== (key.scope ?? ''))
      throw refused(`scope must be ${quote(key.scope ?? '')}, got ${shown(parts.payload.scope)}`);
    checkFiles(files, parts.payload.files);
  };
}

type Json = Readonly<Record<string, unknown>>;
type ReadyKey = BundleKey & { readonly key: KeyObject };

interface TokenParts {
  readonly header: { readonly alg?: unknown; readonly kid?: unknown; readonly crit?: unknown };
  readonly payload: { readonly files?: unknown; readonly keyid?: unknown; readonly scope?: unknown };
  readonly signed: string;
  readonly signature: Buffer;
}

function tokenIn(files: ReadonlyMap<string, Uint8Array>): string {
  const bytes = files.get(SIGNATURES_FILE);
  if (bytes === undefined) throw refused(`must hold ${quote(SIGNATURES_FILE)}: a key is configured`);
  const { signatures, plugin } = jsonObject(bytes, SIGNATURES_FILE);
  if (plugin !== undefined && plugin !== '' && plugin !== '_default')
    throw refused(`plugin must be the default, got ${shown(plugin)}`);
  const [token, second] = Array.isArray(signatures) ? signatures : [];
  if (typeof token !== 'string' || second !== undefined) throw refused('must hold exactly one JWT');
  return token;
}

function splitToken(token: string): TokenParts {
  const [header = '', payload = '', signature = '', ...rest] = token.split('.');
  const parts = [header, payload, signature];
  if (rest.length > 0 || !parts.every((part) => BASE64URL.test(part)))
    throw refused('the JWT must have three base64url parts');
  const [head, body, tail] = parts.map((part) => Buffer.from(part, 'base64url'));
  return {
    header: jsonObject(head ?? Buffer.alloc(0), "the JWT's header"),
    payload: jsonObject(body ?? Buffer.alloc(0), "the JWT's payload"),
    signed: `${header}.${payload}`,
    signature: tail ?? Buffer.alloc(0),
  };
}

/** The key that is the only one, or that the JWT names. Its own algorithm must be the JWT's, so `none` is never one. */
function chooseKey(known: ReadonlyMap<string, ReadyKey>, { header, payload }: TokenParts): ReadyKey {
  if (header.crit !== undefined) throw refused('the JWT must have no critical extensions');
  const [only] = known.values();
  const named = header.kid ?? payload.keyid;
  const key = known.size === 1 ? only : known.get(textOf(named));
  if (key === undefined) throw refused(`the JWT must name a known key, got ${shown(named)}`);
  if (header.alg !== key.algorithm) throw refused(`alg must be ${key.algorithm}, got ${shown(header.alg)}`);
  return key;
}

function verifies({ algorithm, key }: ReadyKey, { signed, signature }: TokenParts): boolean {
  const options = algorithm.startsWith('PS')
    ? { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
    : algorithm.startsWith('ES')
      ? { key, dsaEncoding: 'ieee-p1363' as const }
      : { key };
  return verify(`sha${algorithm.slice(2)}`, Buffer.from(signed), options, signature);
}

function checkFiles(files: ReadonlyMap<string, Uint8Array>, listed: unknown): void {
  if (!Array.isArray(listed)) throw refused("the JWT's payload must list the files");
  const hashes = new Map<string, { readonly hash: unknown; readonly algorithm: unknown }>();
  for (const entry of listed) {
    const { name, hash, algorithm } = record(entry);
    if (typeof name !== 'string' || hashes.has(name)) throw refused('each listed file must have a name of its own');
    hashes.set(name, { hash, algorithm });
  }
  for (const [name, content] of files) {
    if (name === SIGNATURES_FILE) continue;
    const expected = hashes.get(name);
    if (expected === undefined) throw refused(`every file must be covered, ${quote(name)} is not`);
    const algorithm = HASHES.get(expected.algorithm);
    if (algorithm === undefined)
      throw refused(`the hash of ${quote(name)} must be SHA-256, SHA-384 or SHA-512, got ${shown(expected.algorithm)}`);
    if (hashFile(name, content, algorithm) !== expected.hash) throw refused(`${quote(name)} must be what was signed`);
    hashes.delete(name);
  }
  const [missing] = hashes.keys();
  if (missing !== undefined) throw refused(`must hold each file that was signed, ${quote(missing)} is missing`);
}

function hashFile(name: string, content: Uint8Array, algorithm: string): string {
  if (!STRUCTURED.test(name)) return createHash(algorithm).update(content).digest('hex');
  try {
    return structuredHash(new TextDecoder('utf-8', { fatal: true }).decode(content), algorithm);
  } catch (cause) {
    throw refused(`${quote(name)} must be JSON in UTF-8`, cause);
  }
}

function readKey({ id, algorithm, publicKey }: BundleKey): KeyObject {
  const key = createPublicKey(publicKey);
  const { modulusLength = 0, namedCurve } = key.asymmetricKeyDetails ?? {};
  const curve = CURVES[algorithm];
  const fits = curve === undefined ? key.asymmetricKeyType === 'rsa' && modulusLength >= 2048 : namedCurve === curve;
  if (!fits || !/^(?:RS|PS|ES)(?:256|384|512)$/.test(algorithm))
    throw new TypeError(`bundle verification: key ${quote(id)} does not fit ${quote(algorithm)}`);
  return key;
}

function jsonObject(bytes: Uint8Array, what: string): Json {
  try {
    return record(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)));
  } catch (cause) {
    throw refused(`${what} must be a JSON object`, cause);
  }
}

function record(value: unknown): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw refused('there must be an object');
  return Object.fromEntries(Object.entries(value));
}

/** A text as it is; anything else is no name of anything. */
function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function shown(value: unknown): string {
  return typeof value === 'string' || value === undefined ? quote(textOf(value)) : `a ${typeof value}`;
}

function refused(rule: string, cause?: unknown): AuthzError {
  return new AuthzError('BUNDLE_SIGNATURE', `bundle signature: ${rule}`, cause === undefined ? {} : { cause });
}
