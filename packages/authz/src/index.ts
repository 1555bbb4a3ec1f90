/**
 * The public interface of the package. A list by hand: what is not named here may change without notice.
 */

export type { GuardOptions, Refusal, RefusalCode } from './authorize-call.ts';
export type { ArchiveLimits } from './bundle-archive.ts';
export { type Call, callOf, currentCall, requireCall } from './call-context.ts';
export type { DecisionRecord } from './decision-record.ts';
export { AuthzError, type AuthzErrorCode } from './errors.ts';
export { createGrpcGuard, type GrpcCarrier, type GrpcGuardOptions } from './grpc-guard.ts';
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
  type Resource,
  UNMATCHED,
} from './policy-document.ts';
export {
  createPolicyEngine,
  type Decision,
  type PolicyEngine,
  type PolicyEngineOptions,
  type PolicyEvent,
  type PolicyStatus,
} from './policy-engine.ts';
export { createSpiffeAuthorizer } from './spiffe-authorizer.ts';
export { ERROR_DOMAIN, type ErrorInfo, errorInfoOf } from './to-grpc-status.ts';
export type { HttpProblem } from './to-http-problem.ts';
