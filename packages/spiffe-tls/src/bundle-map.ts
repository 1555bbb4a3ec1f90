/**
 * Bundle maps: the bundles of several trust domains in one document (Trust Domain and Bundle 5), which is also the file that
 * gRPC reads its SPIFFE roots from (gRFC A87).
 */
import { open } from 'node:fs/promises';
import { marshalBundleDocument, readBundleDocument, type SpiffeBundle } from './bundle-document.ts';
import { quote, refusal, SpiffeTlsError } from './errors.ts';
import { JwtBundleSet } from './jwt-bundle.ts';
import { isJsonObject, type JsonValue, kindOfJson, parseStrictJsonBytes } from './strict-json.ts';
import { TrustDomain } from './trust-domain.ts';
import { X509BundleSet } from './x509-bundle.ts';

/** An entry of a map that is not used. Other trust domains are not affected. */
export interface IgnoredBundle {
  /** The entry's name, quoted and cut. */
  readonly name: string;
  /** Why it was dropped. */
  readonly reason: string;
}

/** The largest map that is read: a hundred trust domains with large bundles. */
const MAX_MAP_BYTES = 16 * 1024 * 1024;
const MAX_TRUST_DOMAINS = 10_000;

/** Bundles by trust domain. Immutable. */
export class BundleMap {
  /** Each trust domain's X.509 bundle. */
  readonly x509: X509BundleSet;
  /** Each trust domain's JWT bundle. */
  readonly jwt: JwtBundleSet;
  /** What was dropped when it was read. */
  readonly ignored: readonly IgnoredBundle[];
  readonly #bundles: ReadonlyMap<string, SpiffeBundle>;

  private constructor(bundles: readonly SpiffeBundle[], ignored: readonly IgnoredBundle[]) {
    this.x509 = X509BundleSet.of(...bundles.map(({ x509 }) => x509));
    this.jwt = JwtBundleSet.of(...bundles.map(({ jwt }) => jwt));
    this.#bundles = new Map(bundles.map((bundle) => [bundle.trustDomain.name, bundle]));
    this.ignored = Object.freeze([...ignored]);
    Object.freeze(this);
  }

  /** @throws {SpiffeTlsError} `INVALID_BUNDLE` when two are for one trust domain: they are never merged. */
  static of(...bundles: SpiffeBundle[]): BundleMap {
    return new BundleMap(bundles, []);
  }

  /**
   * Reads a map, whole or not at all. An entry that is no bundle, or whose name is no trust domain, is dropped and named in
   * `ignored`; refresh hints of entries are ignored, as the standard says.
   * @throws {SpiffeTlsError} `INVALID_BUNDLE` when it is no map, is beyond the bounds, or names a trust domain twice.
   */
  static parse(bytes: Uint8Array): BundleMap {
    if (bytes.length > MAX_MAP_BYTES) throw invalid(`must have at most ${MAX_MAP_BYTES} bytes`, `${bytes.length}`);
    const document = parseStrictJsonBytes(bytes, invalid, { bigIntegers: true });
    const entries = isJsonObject(document) ? document['trust_domains'] : undefined;
    if (!isJsonObject(entries)) throw invalid('must have an object "trust_domains"', kindOfJson(entries));
    const all = Object.entries(entries);
    if (all.length > MAX_TRUST_DOMAINS)
      throw invalid(`must have at most ${MAX_TRUST_DOMAINS} entries`, `${all.length}`);
    const read = all.map(([name, value]) => readEntry(name, value));
    const ignored = read.flatMap((entry) => ('reason' in entry ? [entry] : []));
    return new BundleMap(
      read.flatMap((entry) => ('reason' in entry ? [] : [entry])),
      ignored,
    );
  }

  get(trustDomain: TrustDomain): SpiffeBundle | undefined {
    return this.#bundles.get(trustDomain.name);
  }

  trustDomains(): TrustDomain[] {
    return [...this.#bundles.values()].map(({ trustDomain }) => trustDomain);
  }

  /**
   * Writes the map.
   * @throws {SpiffeTlsError} `INVALID_BUNDLE` when a bundle can't be written.
   */
  marshal(): string {
    const entries = [...this.#bundles].map(
      ([name, bundle]) => `${JSON.stringify(name)}:${marshalBundleDocument(bundle)}`,
    );
    return `{"trust_domains":{${entries.join(',')}}}`;
  }
}

/**
 * Reads a bundle map from a file, in one piece: it is whole or it is refused.
 * @throws {SpiffeTlsError} `INVALID_BUNDLE`, also when the file can't be read.
 * @example
 * const { x509 } = await loadBundleMap('/etc/spiffe/bundles.json');
 * verifyX509Svid({ chain, bundles: x509, nowMs: Date.now() });
 */
export async function loadBundleMap(file: string | URL): Promise<BundleMap> {
  return BundleMap.parse(await readBounded(file));
}

async function readBounded(file: string | URL): Promise<Uint8Array> {
  try {
    const handle = await open(file, 'r');
    try {
      const { size } = await handle.stat();
      if (size > MAX_MAP_BYTES) throw invalid(`must have at most ${MAX_MAP_BYTES} bytes`, `${size}`);
      return await handle.readFile();
    } finally {
      await handle.close();
    }
  } catch (cause) {
    if (cause instanceof SpiffeTlsError) throw cause;
    const got = cause instanceof Error && 'code' in cause ? String(cause.code) : 'an error';
    throw new SpiffeTlsError('INVALID_BUNDLE', `bundle-map: ${quote(`${file}`)} must be readable, got ${got}`, {
      expected: 'a readable file',
      got,
      cause,
    });
  }
}

function readEntry(name: string, value: JsonValue): SpiffeBundle | IgnoredBundle {
  try {
    const { refreshHintMs: _ignored, ...bundle } = readBundleDocument(TrustDomain.parse(name), value);
    return bundle;
  } catch (cause) {
    if (cause instanceof SpiffeTlsError) return { name: quote(name), reason: cause.message };
    throw cause;
  }
}

function invalid(rule: string, got: string): SpiffeTlsError {
  return refusal('INVALID_BUNDLE', 'bundle-map', `a bundle map ${rule}`, got);
}
