/** Where exports go once they are read whole. */
import type { LogRecord, NumberPoint, Span } from './values.ts';

/** OTLP's three signals, by the names that its paths have for them. */
export type Signal = 'traces' | 'logs' | 'metrics';

/** An export as it came, for whoever sends it on. */
export interface RawExport {
  readonly signal: Signal;
  /** As it came, perhaps compressed. */
  readonly body: Buffer;
  readonly contentType: string;
  /** Absent for a body that is not compressed. */
  readonly contentEncoding?: string;
  /** Of who sent it. */
  readonly userAgent?: string;
}

/** Takes exports, synchronously. A signal that nobody takes is read and dropped, so that its exporter stays content. */
export interface OtlpSink {
  spans?(spans: readonly Span[]): void;
  logs?(records: readonly LogRecord[]): void;
  metrics?(points: readonly NumberPoint[]): void;
  /** Every export that could be read, as it came. */
  received?(raw: RawExport): void;
}
