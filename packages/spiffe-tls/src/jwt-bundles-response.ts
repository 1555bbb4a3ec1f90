/**
 * From a message of `FetchJWTBundles` to a set of bundles.
 */
import { quote, refusal } from './errors.ts';
import type { JWTBundlesResponse } from './gen/workload.ts';
import { JwtBundle, JwtBundleSet } from './jwt-bundle.ts';
import { SpiffeId } from './spiffe-id.ts';
import { checkBundleCount } from './workload-api-bounds.ts';

/**
 * Parses a message. It is taken whole or not at all, because each is the complete state (Workload API 4.3 and 4.5).
 * @throws {SpiffeTlsError} `WORKLOAD_API` when it holds no bundle or too many, `INVALID_SPIFFE_ID` or `INVALID_BUNDLE` for a bad one.
 */
export function parseJwtBundles({ bundles }: JWTBundlesResponse): JwtBundleSet {
  const entries = Object.entries(bundles);
  if (entries.length === 0) {
    throw refusal('WORKLOAD_API', 'workload api', 'message of FetchJWTBundles must have bundles', 'none');
  }
  checkBundleCount(entries.length);
  return JwtBundleSet.of(...entries.map(([key, jwks]) => parseEntry(key, jwks)));
}

function parseEntry(key: string, jwks: Uint8Array): JwtBundle {
  const id = SpiffeId.parse(key);
  if (id.path !== '') {
    const rule = 'key of a bundle must be the SPIFFE ID of a trust domain';
    throw refusal('INVALID_BUNDLE', 'workload api', rule, quote(key));
  }
  return JwtBundle.fromJwks(id.trustDomain, jwks);
}
