/**
 * The public interface of the package. A list by hand: what is not named here may change without notice.
 */

export type { GuardOptions, Refusal, RefusalCode } from './authorize-call.ts';
export type { ArchiveLimits } from './bundle/bundle-archive.ts';
export type { BundleServerOptions } from './bundle/http-bundle-source.ts';
export type { BundleAlgorithm, BundleKey } from './bundle/signature.ts';
export { type Call, callOf, currentCall, requireCall } from './call-context.ts';
export type { DecisionEvent, DecisionLabels, DecisionTrace } from './decision-log/decision-event.ts';
export {
  createDecisionLog,
  type DecisionLog,
  type DecisionLogOptions,
  type DecisionLogStats,
} from './decision-log/decision-log.ts';
export {
  createDeliveryCounter,
  type DecisionSink,
  type Delivery,
  type DeliveryCounter,
  type DropReason,
  type SinkStats,
} from './decision-log/decision-sink.ts';
export { createEmitterSink, type EmitterSinkOptions } from './decision-log/emitter-sink.ts';
export { createEndpointSink, type EndpointSinkOptions } from './decision-log/endpoint-sink.ts';
export type { LogEndpointOptions } from './decision-log/log-endpoint.ts';
export { parseMaskRules } from './decision-log/mask-rules.ts';
export type { EndpointState } from './decision-log/uploader.ts';
export type { DecisionRecord } from './decision-record.ts';
export { AuthzError, type AuthzErrorCode } from './errors.ts';
export { applyChange } from './explain/apply-change.ts';
export type { DataOperation } from './explain/data-change.ts';
export { type Change, createExplainer, type Explainer, type Explanation } from './explain/explain.ts';
export type { MatchedData } from './explain/matched-data.ts';
export { findGrantProblems, type GrantProblem } from './grant-problems.ts';
export { createGrpcGuard, type GrpcCarrier, type GrpcGuard, type GrpcGuardOptions } from './grpc-guard.ts';
export { assertGuardedRoutes, type RoutedApplication } from './guarded-routes.ts';
export {
  createHttpGuard,
  type HttpGuard,
  type HttpGuardOptions,
  type HttpHandler,
  type HttpRequest,
  type ResourceOf,
} from './http-guard.ts';
export { applyObligations, MASKED } from './obligations.ts';
export {
  type ChainLink,
  type Grant,
  type Grants,
  type GrantTerms,
  type Obligation,
  type PolicyInput,
  type PolicyResult,
  parsePolicyInput,
  parsePolicyResult,
  type Resource,
  UNMATCHED,
} from './policy-document.ts';
export {
  createPolicyEngine,
  type Decision,
  type PolicyEngine,
  type PolicyEngineOptions,
  type PolicyEvent,
  type PolicySourceStatus,
  type PolicyStatus,
} from './policy-engine.ts';
export { createSpiffeAuthorizer } from './spiffe-authorizer.ts';
export { ERROR_DOMAIN, type ErrorInfo, errorInfoOf } from './to-grpc-status.ts';
export type { HttpProblem } from './to-http-problem.ts';
