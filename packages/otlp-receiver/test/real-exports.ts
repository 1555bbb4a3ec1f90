/** Exports as OpenTelemetry's own SDK and exporters write them, in both encodings. */
import {
  type AnyValue,
  type Attributes,
  type HrTime,
  ROOT_CONTEXT,
  type SpanKind,
  SpanStatusCode,
  TraceFlags,
  trace,
} from '@opentelemetry/api';
import {
  JsonLogsSerializer,
  JsonMetricsSerializer,
  JsonTraceSerializer,
  ProtobufLogsSerializer,
  ProtobufMetricsSerializer,
  ProtobufTraceSerializer,
} from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs';
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import { InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import type { EncodedExport } from '../src/read-export.ts';

/** One export in both encodings. */
export interface BothEncodings {
  readonly protobuf: EncodedExport;
  readonly json: EncodedExport;
}

/** What makes a span. */
export interface SpanPlan {
  readonly name: string;
  readonly kind: SpanKind;
  readonly start: HrTime;
  readonly end: HrTime;
  readonly failed: string | undefined;
  readonly attributes: Attributes;
  readonly underRemote: boolean;
}

/** The span that those of a plan with `underRemote` hang under. */
export const REMOTE = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' };

/** Spans, made and ended by the SDK. */
export async function makeSpans(service: string, plans: readonly SpanPlan[]): Promise<ReadableSpan[]> {
  const exporter = new InMemorySpanExporter();
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': service }),
    spanProcessors: [new SimpleSpanProcessor({ exporter })],
  });
  const tracer = provider.getTracer('test');
  const remote = trace.setSpanContext(ROOT_CONTEXT, { ...REMOTE, traceFlags: TraceFlags.SAMPLED, isRemote: true });
  for (const { name, kind, start, end, failed, attributes, underRemote } of plans) {
    const span = tracer.startSpan(name, { kind, startTime: start, attributes }, underRemote ? remote : ROOT_CONTEXT);
    if (failed !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: failed });
    span.end(end);
  }
  await provider.forceFlush();
  const spans = exporter.getFinishedSpans();
  await provider.shutdown();
  return spans;
}

/** As exporters of traces write it. */
export function encodeSpans(spans: ReadableSpan[]): BothEncodings {
  return both(ProtobufTraceSerializer.serializeRequest(spans), JsonTraceSerializer.serializeRequest(spans));
}

/** What makes a log record. */
export interface RecordPlan {
  readonly eventName: string;
  readonly timestamp: HrTime;
  readonly severityNumber: number;
  readonly body: AnyValue;
  readonly attributes: Readonly<Record<string, AnyValue>>;
}

/** As exporters of logs write it. */
export async function encodeRecords(service: string, plans: readonly RecordPlan[]): Promise<BothEncodings> {
  const exporter = new InMemoryLogRecordExporter();
  const provider = new LoggerProvider({
    resource: resourceFromAttributes({ 'service.name': service }),
    processors: [new SimpleLogRecordProcessor({ exporter })],
  });
  const logger = provider.getLogger('test');
  const context = trace.setSpanContext(ROOT_CONTEXT, { ...REMOTE, traceFlags: TraceFlags.SAMPLED });
  for (const plan of plans) logger.emit({ ...plan, context });
  await provider.forceFlush();
  const records = exporter.getFinishedLogRecords();
  const encoded = both(ProtobufLogsSerializer.serializeRequest(records), JsonLogsSerializer.serializeRequest(records));
  await provider.shutdown();
  return encoded;
}

class Reader extends MetricReader {
  override async onForceFlush(): Promise<void> {}
  override async onShutdown(): Promise<void> {}
}

/** A gauge, a counter and a histogram, as exporters of metrics write them. */
export async function encodeMetrics(service: string, value: number, count: number): Promise<BothEncodings> {
  const reader = new Reader();
  const provider = new MeterProvider({
    resource: resourceFromAttributes({ 'service.name': service }),
    readers: [reader],
  });
  const meter = provider.getMeter('test');
  meter.createGauge('a.gauge', { unit: 's' }).record(value, { label: 'x' });
  meter.createCounter('a.counter').add(count);
  const histogram = meter.createHistogram('a.histogram');
  histogram.record(1, { of: 'one' });
  histogram.record(2, { of: 'two' });
  const { resourceMetrics } = await reader.collect();
  await provider.shutdown();
  return both(
    ProtobufMetricsSerializer.serializeRequest(resourceMetrics),
    JsonMetricsSerializer.serializeRequest(resourceMetrics),
  );
}

function both(protobuf: Uint8Array | undefined, json: Uint8Array | undefined): BothEncodings {
  if (protobuf === undefined || json === undefined) throw new TypeError('the exporter wrote nothing');
  return { protobuf: { encoding: 'protobuf', bytes: protobuf }, json: { encoding: 'json', bytes: json } };
}
