/**
 * What a development trust domain tells about itself, over the control socket and to its owner in process.
 */

import type { BundleEndpointStatus } from './bundle-endpoint.ts';

/** A root in the bundle. Times are ISO 8601. */
export interface AuthorityStatus {
  /** Upper-case hexadecimal. */
  readonly serialNumber: string;
  readonly role: 'active' | 'prepared' | 'retiring';
  readonly notBefore: string;
  readonly notAfter: string;
}

/** A key that verifies JWT-SVIDs. */
export interface JwtAuthorityStatus {
  /** The `kid` of its tokens. */
  readonly keyId: string;
  readonly role: 'active' | 'prepared' | 'retiring';
}

/** An identity and the SVID in use for it. */
export interface IdentityStatus {
  readonly spiffeId: string;
  readonly dnsNames: readonly string[];
  readonly hint?: string;
  readonly serialNumber: string;
  readonly notBefore: string;
  readonly notAfter: string;
}

/** A workload, registered or not. */
export interface WorkloadStatus {
  readonly name: string;
  /** Address of its Workload API. */
  readonly socket: string;
  /** Its address over TCP, where its registration has one. */
  readonly tcp?: string;
  /** Open streams. */
  readonly watchers: number;
  /** Empty when it is not registered. The first is the default. */
  readonly identities: readonly IdentityStatus[];
}

/** A trust domain that this one federates with. Without `endpointUrl` its document was given, or it is followed in process. */
export interface FederationStatus {
  readonly trustDomain: string;
  /** The bundle endpoint that is asked. */
  readonly endpointUrl?: string;
  readonly profile?: 'https_spiffe' | 'https_web';
  /** With `https_spiffe`: the SPIFFE ID that the endpoint has to have. */
  readonly endpointId?: string;
  /** Of the document in use, in decimal digits. */
  readonly sequence?: string;
  /** When a document was last fetched and accepted. Never, where it is missing. */
  readonly fetchedAt?: string;
  readonly nextPollAt?: string;
  /** Why the last question failed, until one succeeds; the last good bundle stays in use. */
  readonly lastError?: { readonly code: string; readonly message: string };
}

/** The whole. */
export interface TrustDomainStatus {
  readonly trustDomain: string;
  readonly startedAt: string;
  readonly svidTtlMs: number;
  /** The active one first. */
  readonly authorities: readonly AuthorityStatus[];
  /** The active one first. */
  readonly jwtAuthorities: readonly JwtAuthorityStatus[];
  readonly workloads: readonly WorkloadStatus[];
  /** Names of the trust domains that it federates with. */
  readonly federatesWith: readonly string[];
  /** The same trust domains, with what is known of their bundle endpoints. */
  readonly federations: readonly FederationStatus[];
  readonly bundleEndpoints: readonly BundleEndpointStatus[];
}

/** What a rotation of the CA did. */
export interface CaRotationResult {
  /** Serial number of the root that signs now. */
  readonly serialNumber: string;
  /** Serial number of the root that it relieved. */
  readonly previousSerialNumber: string;
  /** When the old root leaves the bundle. */
  readonly dropsAt: string;
}

/** What a rotation of the JWT key did. */
export interface JwtRotationResult {
  /** ID of the key that signs now. */
  readonly keyId: string;
  /** ID of the key that it relieved. */
  readonly previousKeyId: string;
  /** When the old key leaves the bundle. */
  readonly dropsAt: string;
}
