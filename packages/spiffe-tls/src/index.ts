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
export { decodeBase64Url } from './base64.ts';
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
export {
  createSpiffeGrpcChannel,
  type GrpcChannelBounds,
  type SpiffeGrpcChannel,
  type SpiffeGrpcChannelOptions,
  type SpiffeGrpcPresentNothingOptions,
} from './grpc-channel.ts';
export {
  createSpiffeGrpcServer,
  type GrpcServerBounds,
  type SpiffeGrpcServer,
  type SpiffeGrpcServerOptions,
  type SpiffeGrpcWebServerOptions,
} from './grpc-server.ts';
export {
  connectSpiffeHttp2,
  type Http2ClientBounds,
  type SpiffeHttp2ClientOptions,
  type SpiffeHttp2PresentNothingOptions,
} from './http2-client.ts';
export {
  createSpiffeHttp2Server,
  type Http2RequestListener,
  type Http2ServerBounds,
  type SpiffeHttp2ServerOptions,
  type SpiffeHttp2WebServerOptions,
} from './http2-server.ts';
export {
  createSpiffeHttpsAgent,
  type HttpsAgentBounds,
  type SpiffeHttpsAgent,
  type SpiffeHttpsAgentModeOptions,
  type SpiffeHttpsAgentOptions,
} from './https-agent.ts';
export {
  createSpiffeHttpsServer,
  type HttpsServerBounds,
  type SpiffeHttpsServerModeOptions,
  type SpiffeHttpsServerOptions,
} from './https-server.ts';
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
export type {
  NoClientCertificateOptions,
  PeerOptions,
  PresentNothingOptions,
  SpiffeTlsOptions,
  TlsReportOptions,
  WebCertificateOptions,
  WebServerOptions,
} from './spiffe-tls-options.ts';
export { createStaticX509Source, type StaticX509Source } from './static-source.ts';
export {
  isJsonObject,
  type JsonObject,
  type JsonRefusal,
  type JsonValue,
  parseStrictJsonBytes,
  type StrictJsonOptions,
} from './strict-json.ts';
export type { LiveX509BundleSource } from './tls-identity.ts';
export { TrustDomain } from './trust-domain.ts';
export {
  createSpiffeUndiciAgent,
  type SpiffeUndiciAgentModeOptions,
  type SpiffeUndiciAgentOptions,
  type UndiciAgent,
  type UndiciAgentBounds,
  type UndiciAgentClass,
  type UndiciConnected,
  type UndiciConnectOptions,
} from './undici-agent.ts';
export { type VerifyPeerInput, type VerifyX509SvidInput, verifyPeer, verifyX509Svid } from './verify-peer.ts';
export { createWebCertificate, type WebCertificate, type WebCertificateInput } from './web-certificate.ts';
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
