/** All that a workload is given to show and to verify by, read once from a Workload API: for `inspect` and the console. */
import { createHash, type KeyObject } from 'node:crypto';
import {
  createWorkloadApiJwtBundleSource,
  fetchX509Context,
  type JwtBundleSet,
  type X509BundleSet,
  type X509Svid,
} from '@countersign/spiffe-tls';

/** A public key of a JWT bundle, as people look for it: `kid` is what a token's header names. */
export interface JwtKeyText {
  readonly trustDomain: string;
  readonly kid: string;
  /** `EC P-256`, `RSA 2048`. */
  readonly kind: string;
  /** SHA-256 over the key in DER (SubjectPublicKeyInfo), hexadecimal. */
  readonly sha256Fingerprint: string;
}

/** What a workload has, less its key. */
export interface WorkloadIdentity {
  readonly svid: Pick<X509Svid, 'id' | 'leaf' | 'chain'>;
  readonly bundles: X509BundleSet;
  /** Of all JWT bundles that it gets, the own trust domain's and the federated ones'. */
  readonly jwtKeys: readonly JwtKeyText[];
}

/**
 * Asks as whoever the address takes us for. The private key comes along, and is not kept.
 * @param timeoutMs how long the Workload API has to answer
 */
export async function fetchWorkloadIdentity(endpoint: string, timeoutMs = 5_000): Promise<WorkloadIdentity> {
  const { svid, bundles } = await fetchX509Context({ endpoint, timeoutMs });
  await using source = createWorkloadApiJwtBundleSource({ endpoint, initialTimeoutMs: timeoutMs });
  const { id, leaf, chain } = svid;
  return { svid: { id, leaf, chain }, bundles, jwtKeys: jwtKeysIn(await source.ready()) };
}

function jwtKeysIn(bundles: JwtBundleSet): JwtKeyText[] {
  return [...bundles].flatMap(({ trustDomain, keys }) =>
    keys.map(({ keyId, kind, publicKey }) => ({
      trustDomain: trustDomain.name,
      kid: keyId,
      kind: kindOf(kind, publicKey),
      sha256Fingerprint: createHash('sha256')
        .update(publicKey.export({ type: 'spki', format: 'der' }))
        .digest('hex'),
    })),
  );
}

function kindOf(kind: string, { asymmetricKeyDetails }: KeyObject): string {
  const bits = asymmetricKeyDetails?.modulusLength;
  return bits === undefined ? kind : `${kind} ${bits}`;
}
