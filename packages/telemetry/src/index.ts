/** Telemetry of a service: start-up, spans, the log and its fields. Imports no other workspace. */
export { ATTRIBUTE_DEFINITIONS, ATTRIBUTES, type AttributeDefinition, type AttributeName } from './attributes.ts';
export {
  type CallRecord,
  currentCallFields,
  currentCallRecord,
  type Party,
  type RecordedChain,
  type RecordedDecision,
  type RecordedRefusal,
  recordChain,
  recordDecision,
  recordOperation,
  recordRefusal,
} from './call-record.ts';
export { type DecisionLogEvent, emitDecisionLog } from './decision-logs.ts';
export type { Environment } from './exporters.ts';
export { createGrpcClientTracing, type GrpcClientTracingOptions } from './grpc-client-calls.ts';
export { createGrpcCallLog, type GrpcCallLogOptions } from './grpc-server-calls.ts';
export { createHttpCallLog, type HttpCallLogOptions } from './http-calls.ts';
export type { IdentityLookup } from './instrumentations.ts';
export { createLogger, type Logger, type LoggerOptions } from './log.ts';
export { LOG_FIELDS, type LogFieldDefinition } from './log-fields.ts';
export { METRIC_DEFINITIONS, METRICS, type MetricDefinition, type MetricName } from './metric-names.ts';
export {
  type DecisionLogReading,
  observeDecisionLog,
  observePolicy,
  type PolicyReading,
  recordChainVerification,
} from './metrics.ts';
export { activeTraceIds, annotateSpan, type SpanAttributes, type TraceIds } from './span.ts';
export { adaptSpiffeTlsEvents } from './spiffe-tls-events.ts';
export { startTelemetry, type Telemetry, type TelemetryOptions } from './start-telemetry.ts';
