/** Reads one export of any signal and hands it to the sink. What HTTP and gRPC have in common. */
import { type EncodedExport, readLogs, readMetrics, readSpans } from './read-export.ts';
import type { OtlpSink, Signal } from './sink.ts';

/** What became of an export. */
export interface Taken {
  /** Spans, records or points that were not accepted. */
  readonly rejected: number;
  /** Why, for people; empty when all were accepted. */
  readonly why: string;
}

const ACCEPTED: Taken = { rejected: 0, why: '' };

/** @throws {OtlpError} for an export that can't be read; then the sink got nothing of it */
export function takeExport(signal: Signal, source: EncodedExport, sink: OtlpSink): Taken {
  if (signal === 'traces') {
    const { spans, rejected } = readSpans(source);
    sink.spans?.(spans);
    return rejected === 0 ? ACCEPTED : { rejected, why: 'a span needs a trace ID and a span ID' };
  }
  if (signal === 'logs') sink.logs?.(readLogs(source));
  // Points that are not read are no fault of the exporter's: told of them, it would complain at each export.
  else sink.metrics?.(readMetrics(source).points);
  return ACCEPTED;
}
