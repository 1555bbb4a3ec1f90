/**
 * What a trust domain's SVIDs are verified by, and its forms in the Workload API.
 */
import type { JwtKey } from './jwt-authority.ts';

/** The authorities of one trust domain. */
export interface TrustBundle {
  /** The SPIFFE ID of the trust domain: the key under which the Workload API sends its bundle. */
  readonly trustDomainId: string;
  /** Certificates of X.509 authorities, DER. */
  readonly x509Authorities: readonly Uint8Array[];
  readonly jwtAuthorities: readonly JwtKey[];
}

/** As X.509 messages carry it: concatenated DER. */
export function toBundleDer({ x509Authorities }: TrustBundle): Buffer {
  return Buffer.concat(x509Authorities);
}

/** As JWT messages carry it: a JWKS document (JWT-SVID section 6.1). */
export function toJwksDocument({ jwtAuthorities }: TrustBundle): Buffer {
  return Buffer.from(JSON.stringify({ keys: jwtAuthorities }));
}
