/**
 * Sends the process's log lines on as OTLP log records. It reads the finished lines, so what the log censors is censored
 * here too, and it needs no loader hook. Lines that are not written, for their level, are not sent either.
 */
import {
  type AnyValue,
  type Context,
  isSpanContextValid,
  type Logger,
  logs,
  ROOT_CONTEXT,
  SeverityNumber,
  TraceFlags,
  trace,
} from '@opentelemetry/api';

const SEVERITIES: Readonly<Record<string, SeverityNumber>> = {
  trace: SeverityNumber.TRACE,
  debug: SeverityNumber.DEBUG,
  info: SeverityNumber.INFO,
  warn: SeverityNumber.WARN,
  error: SeverityNumber.ERROR,
  fatal: SeverityNumber.FATAL,
};

/**
 * Events that are not sent on. A decision goes out by the decision log, masked as its rules say; and what the exporter
 * complains about would come back to it with each failure.
 */
const NOT_SENT: ReadonlySet<unknown> = new Set(['decision', 'telemetry']);

let target: Logger | undefined;

/** Sends lines from now on. Call it after the SDK has started; returns how to stop. */
export function startLogBridge(): () => void {
  target = logs.getLogger('@countersign/telemetry');
  return () => {
    target = undefined;
  };
}

/** Sends one finished line, where somebody wants it. Never throws: a line that was written is not lost by it. */
export function bridgeLine(line: string): void {
  if (target === undefined) return;
  try {
    emit(target, JSON.parse(line));
  } catch {
    // Not JSON: nothing that this log writes. It stands on standard output all the same.
  }
}

function emit(logger: Logger, fields: Readonly<Record<string, AnyValue>>): void {
  const { level, time, event, message, trace_id, span_id, service: _service, ...attributes } = fields;
  if (NOT_SENT.has(event)) return;
  logger.emit({
    ...(typeof event === 'string' && { eventName: event }),
    timestamp: new Date(String(time)),
    severityNumber: SEVERITIES[String(level)] ?? SeverityNumber.UNSPECIFIED,
    severityText: String(level),
    body: message ?? event ?? '',
    attributes: { ...attributes, ...(typeof event === 'string' && { event }) },
    context: contextOf(trace_id, span_id),
  });
}

/** The IDs that the line names: the line of a request is written when its span is no longer the active one. */
function contextOf(traceId: AnyValue, spanId: AnyValue): Context {
  const span = { traceId: String(traceId), spanId: String(spanId), traceFlags: TraceFlags.SAMPLED };
  return isSpanContextValid(span) ? trace.setSpanContext(ROOT_CONTEXT, span) : ROOT_CONTEXT;
}
