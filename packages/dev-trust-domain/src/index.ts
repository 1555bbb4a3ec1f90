/** A SPIFFE trust domain for development: Workload API, CA, registrations. Not for production. */

export type {
  BundleEndpointOptions,
  BundleEndpointStatus,
  SpiffeBundleEndpointOptions,
  WebBundleEndpointOptions,
} from './bundle-endpoint.ts';
export type { CallFilter, CallRecord } from './calls.ts';
export {
  type CertificateAuthority,
  createCertificateAuthority,
  KEY_TYPES,
  type KeyType,
  restoreCertificateAuthority,
} from './certificate-authority.ts';
export type {
  CloseStreamsOptions,
  RegistrationRequest,
  RotateAuthorityOptions,
  TrustDomainControl,
} from './control.ts';
export { controlSocketOf, createControlClient, DEFAULT_STATE_DIRECTORY } from './control-client.ts';
export { type DevTrustDomain, startDevTrustDomain } from './dev-trust-domain.ts';
export type { EndpointFederation } from './endpoint-federation.ts';
export { DevTrustDomainError, type DevTrustDomainErrorCode } from './errors.ts';
export type { Fault, StatusName } from './faults.ts';
export type { BundleListener, FollowedTrustDomain } from './federation.ts';
export { JWT_ALGORITHMS, type JwtAlgorithm } from './jwt-authority.ts';
export type { DevTrustDomainOptions, TrustDomainEvent } from './options.ts';
export type { Registration, SocketOwner } from './registration.ts';
export type {
  AuthorityStatus,
  CaRotationResult,
  FederationStatus,
  IdentityStatus,
  JwtAuthorityStatus,
  JwtRotationResult,
  TrustDomainStatus,
  WorkloadStatus,
} from './status.ts';
export type { TcpListener } from './tcp-listener.ts';
