/**
 * The public interface of the library. A list by hand: what is not named here may change without notice.
 */

export {
  authorizeAll,
  authorizeAny,
  authorizeId,
  authorizeMemberOf,
  authorizeOneOf,
  dangerouslyAuthorizeAnyPeer,
} from './authorizers.ts';
// sources
export { type Backoff, createExponentialBackoff, type ExponentialBackoffOptions, type RetryReason } from './backoff.ts';
// JWT-SVIDs
export { type BearerCarrier, bearerOf, bearerTokenOf } from './bearer.ts';
// certificates, SVIDs, bundles
export {
  createSpiffeBundle,
  marshalBundleDocument,
  parseBundleDocument,
  type SpiffeBundle,
} from './bundle-document.ts';
// federation
export {
  type BundleEndpointServerOptions,
  createBundleEndpointHandler,
  createBundleEndpointServer,
} from './bundle-endpoint.ts';
export type { BundleEndpointProfile } from './bundle-endpoint-tls.ts';
export {
  type BundleFederation,
  type BundleFederationOptions,
  createBundleFederation,
  type FederationEvent,
} from './bundle-federation.ts';
export { BundleMap, type IgnoredBundle, loadBundleMap } from './bundle-map.ts';
export { type KeyUsage, type ParsedCertificate, parseCertificate, splitCertificates } from './certificate.ts';
export { type Clock, createSystemClock } from './clock.ts';
export {
  type DelegatedJwtValidation,
  type DelegatedJwtValidationOptions,
  validateJwtSvidByWorkloadApi,
} from './delegated-jwt-validation.ts';
// errors
export { quote, SpiffeTlsError, type SpiffeTlsErrorCode, type SpiffeTlsErrorDetails } from './errors.ts';
export type { FederationRelationship, FederationStatus } from './federated-endpoint.ts';
export {
  createFederatedJwtBundleSource,
  createFederatedX509Source,
  type FederatedX509Source,
} from './federated-source.ts';
export { type BundleEndpoint, type FetchBundleOptions, fetchBundle } from './fetch-bundle.ts';
export { type FetchJwtSvidOptions, fetchJwtSvid, fetchJwtSvids, type JwtSvidRequest } from './fetch-jwt-svid.ts';
export { type FetchX509ContextOptions, fetchX509Context } from './fetch-x509-context.ts';
export { createFileX509Source, type FileX509SourceOptions } from './file-source.ts';
// TLS adapters
export { isRetiredStream } from './grpc-call.ts';
export { createSpiffeGrpcChannel, type SpiffeGrpcChannel, type SpiffeGrpcChannelOptions } from './grpc-channel.ts';
export { createSpiffeGrpcServer, type SpiffeGrpcServer, type SpiffeGrpcServerOptions } from './grpc-server.ts';
export { connectSpiffeHttp2, type SpiffeHttp2ClientOptions } from './http2-client.ts';
export { createSpiffeHttp2Server, type Http2RequestListener, type SpiffeHttp2ServerOptions } from './http2-server.ts';
export { createSpiffeHttpsAgent, type SpiffeHttpsAgent, type SpiffeHttpsAgentOptions } from './https-agent.ts';
export { createSpiffeHttpsServer, type SpiffeHttpsServerOptions } from './https-server.ts';
export type { JwtAlgorithm, JwtKeyKind } from './jwt-algorithm.ts';
export { type IgnoredKey, JwtBundle, JwtBundleSet, type JwtBundleSource, type JwtKey } from './jwt-bundle.ts';
export { type JwtSvid, type ValidateJwtSvidOptions, validateJwtSvid } from './jwt-svid.ts';
export type { LiveConnectionsOptions, LivePeerPolicy } from './live-connections.ts';
// verification and authorization
export type { AuthorizeResult, Authorizer, Peer } from './peer.ts';
export { type AuthContextCarrier, type Http2Carrier, type PeerCarrier, peerOf } from './peer-of.ts';
export { type PemBlock, parsePem, toPem } from './pem.ts';
export { createSpiffePgPool, type SpiffePgPoolOptions } from './pg-pool.ts';
export type { PgPool } from './pg-pool-generation.ts';
export {
  type Endpoint,
  REFUSED_CHANNEL,
  type RefusalRecord,
  type Transport,
  VERIFIED_CHANNEL,
  type VerifiedRecord,
} from './refusal.ts';
export { SOURCE_CHANNEL, type X509SourceRecord } from './source-events.ts';
export type { LiveX509Source, LiveX509SourceOptions, X509SourceHealth } from './source-lifecycle.ts';
// SPIFFE IDs
export { type ParseSpiffeIdOptions, SpiffeId } from './spiffe-id.ts';
export type { SpiffeTlsOptions } from './spiffe-tls-options.ts';
export { createStaticX509Source, type StaticX509Source } from './static-source.ts';
export type { JsonObject, JsonValue } from './strict-json.ts';
export { TrustDomain } from './trust-domain.ts';
export {
  createSpiffeUndiciAgent,
  type SpiffeUndiciAgentOptions,
  type UndiciAgent,
  type UndiciAgentClass,
  type UndiciConnected,
  type UndiciConnectOptions,
} from './undici-agent.ts';
export { type VerifyPeerInput, type VerifyX509SvidInput, verifyPeer, verifyX509Svid } from './verify-peer.ts';
export {
  createWorkloadApiX509BundleSource,
  type WorkloadApiX509BundleSource,
  type WorkloadApiX509BundleSourceOptions,
  type X509BundleEvent,
} from './workload-api-bundle-source.ts';
export { createWorkloadApiClient, SECURITY_HEADER, type WorkloadApiClientOptions } from './workload-api-client.ts';
export {
  createWorkloadApiJwtBundleSource,
  type JwtBundleSourceEvent,
  type WorkloadApiJwtBundleSource,
  type WorkloadApiJwtBundleSourceOptions,
} from './workload-api-jwt-bundle-source.ts';
export {
  createWorkloadApiJwtSource,
  type WorkloadApiJwtSource,
  type WorkloadApiJwtSourceOptions,
} from './workload-api-jwt-source.ts';
export {
  createWorkloadApiX509Source,
  type WorkloadApiSourceHealth,
  type WorkloadApiX509Source,
  type WorkloadApiX509SourceOptions,
} from './workload-api-source.ts';
export {
  ENDPOINT_VARIABLE,
  parseWorkloadEndpoint,
  type ResolveWorkloadEndpointOptions,
  resolveWorkloadEndpoint,
  type WorkloadEndpoint,
} from './workload-endpoint.ts';
export { X509Bundle, X509BundleSet, type X509BundleSource } from './x509-bundle.ts';
export type { SvidPicker } from './x509-context.ts';
export type { X509FileNames, X509FileProducer } from './x509-file-layout.ts';
export type { X509Context, X509Source, X509SourceEvent } from './x509-source.ts';
export { parseX509Svid, type X509Svid, type X509SvidInput } from './x509-svid.ts';
export type { TlsRole } from './x509-svid-rules.ts';
