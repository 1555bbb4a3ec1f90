/**
 * The signature of a link: which algorithm each kind of key has, and the signing and checking itself, on `node:crypto`.
 */
import { type KeyObject, sign, verify } from 'node:crypto';
import { promisify } from 'node:util';

/** An `alg` that a link may have (RFC 7518, 3.1; RFC 8037, 3.1). */
export type LinkAlgorithm = 'ES256' | 'ES384' | 'RS256' | 'EdDSA';

interface AlgorithmFacts {
  /** `null`: the algorithm has a hash of its own. */
  readonly hash: 'sha256' | 'sha384' | null;
  /** Length of a signature in bytes, where the algorithm fixes it (RFC 7518, 3.4): anything else has more than one reading. */
  readonly signatureBytes?: number;
  /** Whether signing takes longer than the way to the thread pool and back. */
  readonly inPool?: boolean;
}

/** A Map, because a header may say `"alg":"constructor"`. */
const ALGORITHMS: ReadonlyMap<string, AlgorithmFacts> = new Map<LinkAlgorithm, AlgorithmFacts>([
  ['ES256', { hash: 'sha256', signatureBytes: 64 }],
  ['ES384', { hash: 'sha384', signatureBytes: 96, inPool: true }],
  ['RS256', { hash: 'sha256', inPool: true }],
  ['EdDSA', { hash: null, signatureBytes: 64 }],
]);

const signInPool = promisify(sign);

/** Whether a header's `alg` is one of the four: `none` and HMAC are not. */
export function isLinkAlgorithm(alg: unknown): alg is LinkAlgorithm {
  return typeof alg === 'string' && ALGORITHMS.has(alg);
}

/** The algorithm of a key, public or private; `undefined` for a key that signs no links. */
export function algorithmOf({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): LinkAlgorithm | undefined {
  if (asymmetricKeyType === 'rsa') return 'RS256';
  if (asymmetricKeyType === 'ed25519') return 'EdDSA';
  if (asymmetricKeyType !== 'ec') return undefined;
  if (asymmetricKeyDetails?.namedCurve === 'prime256v1') return 'ES256';
  return asymmetricKeyDetails?.namedCurve === 'secp384r1' ? 'ES384' : undefined;
}

/** Signs. What would hold up the event loop is done in the thread pool; docs/adr/0022 has the figures. */
export async function signLink(alg: LinkAlgorithm, key: KeyObject, signed: string): Promise<Buffer> {
  const { hash, inPool } = factsOf(alg);
  const data = Buffer.from(signed);
  const options = { key, dsaEncoding: 'ieee-p1363' } as const;
  return inPool === true ? signInPool(hash, data, options) : sign(hash, data, options);
}

/** What {@link verifyLink} needs. */
export interface LinkSignatureInput {
  readonly alg: LinkAlgorithm;
  readonly key: KeyObject;
  readonly signed: string;
  readonly signature: Uint8Array;
}

/** Whether the signature holds. An algorithm that is not the key's own never gets as far as the crypto library. */
export function verifyLink({ alg, key, signed, signature }: LinkSignatureInput): boolean {
  if (algorithmOf(key) !== alg) return false;
  const { hash, signatureBytes } = factsOf(alg);
  if (signatureBytes !== undefined && signature.length !== signatureBytes) return false;
  return verify(hash, Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' }, signature);
}

function factsOf(alg: LinkAlgorithm): AlgorithmFacts {
  const facts = ALGORITHMS.get(alg);
  if (facts === undefined) throw new TypeError(`caller chain: there is no algorithm ${alg}`);
  return facts;
}
