/** What every service of this repository has in common. Each export has at least two users. */
export { commonSettings, processSettings } from './common-settings.ts';
export {
  asksForHelp,
  type Config,
  type ConfigInput,
  describeSettings,
  loadConfig,
  loadConfigs,
  type Setting,
  type Settings,
} from './config.ts';
export { ConfigError, type ConfigErrorCode } from './config-error.ts';
export {
  CALL_TIMEOUT_MS,
  type DeadlineMs,
  deadlineOfCall,
  deadlineOfHeaders,
  nextHopDeadline,
  remainingMs,
  startDeadline,
  TIMEOUT_HEADER,
} from './deadline.ts';
export {
  type DecisionDelivery,
  type DecisionLogConfig,
  decisionLogProblems,
  decisionLogSettings,
} from './decision-log-settings.ts';
export { createDecisionSinks, type DecisionSinksOptions } from './decision-sinks.ts';
export {
  checkHost,
  createEdgeChecks,
  createSecurityHeaders,
  type EdgeCheckOptions,
  parseHostNames,
} from './edge-checks.ts';
export {
  type Answer,
  callUnary,
  cancelOnAbort,
  SERVER_OPTIONS,
  type UnaryMethod,
} from './grpc-call.ts';
export { type GrpcClientOptions, type GrpcConnection, openGrpcConnection } from './grpc-client.ts';
export {
  detailsOf,
  GrpcError,
  type GrpcErrorDetails,
  grpcError,
  invalidField,
  isServiceError,
  relayError,
} from './grpc-error.ts';
export {
  type Handled,
  type StreamEnd,
  sendMessage,
  streamEnd,
  streamHandler,
  type TranslateError,
  unaryHandler,
} from './grpc-handler.ts';
export { grpcToHttpProblem } from './grpc-to-http-problem.ts';
export { encodeHops, HOPS_NAME, type Hop, hopToHere, parseHops } from './hops.ts';
export { closeHttpServer, type HttpServer, listenHttp } from './http-server.ts';
export { partyOf, selfOf } from './identity.ts';
export { identitySettings, openIdentitySource } from './identity-source.ts';
export { jsonBody, toBodyProblem } from './json-body.ts';
export { type ChainHeaders, signChainHeaders } from './outgoing-chain.ts';
export { type Policy, type PolicyOptions, startPolicy } from './policy.ts';
export { policySettings } from './policy-settings.ts';
export { type Problem, sendProblem } from './problem.ts';
export { createReadiness, type Readiness } from './readiness.ts';
export { type FramedProgram, runProcess } from './run-process.ts';
export { type RunningService, runService, type ServiceContext, type ServiceProgram } from './run-service.ts';
export {
  type Address,
  formatAddress,
  parseDialAddress,
  parseHttpsOrigin,
  parseIdentifier,
  parseListenAddress,
  parseWorkloadId,
} from './setting-types.ts';
export { whenAskedToStop } from './stop-signal.ts';
export { createStreamLimit } from './stream-limit.ts';
export {
  type CertificateDescription,
  describeCertificate,
  describeSvid,
  type SvidDescription,
} from './svid-description.ts';
