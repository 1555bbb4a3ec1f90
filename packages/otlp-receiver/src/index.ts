/** Receives OTLP over HTTP and gRPC and reads it into plain values. Development only: who sends is not asked. */
export { OtlpError, type OtlpErrorCode } from './errors.ts';
export { type OtlpGrpcReceiver, type OtlpGrpcReceiverOptions, startOtlpGrpcReceiver } from './grpc-receiver.ts';
export { createOtlpHttpHandler, type OtlpHttpOptions } from './http-handler.ts';
export { type OtlpHttpReceiver, type OtlpHttpReceiverOptions, startOtlpHttpReceiver } from './http-receiver.ts';
export { EXPORT_LIMITS, type ExportLimits } from './limits.ts';
export {
  type EncodedExport,
  type Encoding,
  type MetricExport,
  readLogs,
  readMetrics,
  readSpans,
  type SpanExport,
} from './read-export.ts';
export type { OtlpSink, RawExport, Signal } from './sink.ts';
export type {
  Attributes,
  LogRecord,
  NumberPoint,
  PlainObject,
  PlainValue,
  Span,
  SpanKind,
  SpanStatus,
} from './values.ts';
