/** Telemetry of a service: start-up, spans, the log and its fields. Imports no other workspace. */
export { ATTRIBUTES, type AttributeName } from './attributes.ts';
export {
  type CallRecord,
  currentCallFields,
  currentCallRecord,
  type Party,
  type RecordedChain,
  type RecordedDecision,
  recordChain,
  recordDecision,
  recordOperation,
} from './call-record.ts';
export { type DecisionLogEvent, emitDecisionLog } from './decision-logs.ts';
export type { Environment } from './exporters.ts';
export { createGrpcClientTracing, type GrpcClientTracingOptions } from './grpc-client-calls.ts';
export { createGrpcCallLog, type GrpcCallLogOptions } from './grpc-server-calls.ts';
export { createHttpCallLog, type HttpCallLogOptions } from './http-calls.ts';
export type { IdentityLookup } from './instrumentations.ts';
export { createLogger, type Logger, type LoggerOptions } from './log.ts';
export { activeTraceIds, annotateSpan, type SpanAttributes, type TraceIds } from './span.ts';
export { adaptSpiffeTlsEvents } from './spiffe-tls-events.ts';
export { startTelemetry, type Telemetry, type TelemetryOptions } from './start-telemetry.ts';
