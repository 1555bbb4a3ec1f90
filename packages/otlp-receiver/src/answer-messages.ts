/** The messages that OTLP answers with, in both encodings. */
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import type { Encoding } from './read-export.ts';
import type { Signal } from './sink.ts';
import type { Taken } from './take-export.ts';

/** The JSON encoding's name for what was not accepted, by signal. Its number is 1 in all of them. */
const REJECTED_NAMES: Readonly<Record<Signal, string>> = {
  traces: 'rejectedSpans',
  logs: 'rejectedLogRecords',
  metrics: 'rejectedDataPoints',
};

/** An `Export<signal>ServiceResponse`: empty, unless something was not accepted. */
export function exportResponse(signal: Signal, encoding: Encoding, { rejected, why }: Taken): Buffer {
  if (encoding === 'json') {
    const partialSuccess = { [REJECTED_NAMES[signal]]: String(rejected), errorMessage: why };
    return Buffer.from(JSON.stringify(rejected === 0 ? {} : { partialSuccess }));
  }
  if (rejected === 0) return Buffer.alloc(0);
  const partialSuccess = new BinaryWriter();
  partialSuccess.tag(1, WireType.Varint).int64(rejected).tag(2, WireType.LengthDelimited).string(why);
  return Buffer.from(new BinaryWriter().tag(1, WireType.LengthDelimited).bytes(partialSuccess.finish()).finish());
}

/** A `google.rpc.Status`, which OTLP answers errors with. @param code of gRPC */
export function statusMessage(encoding: Encoding, code: number, message: string): Buffer {
  if (encoding === 'json') return Buffer.from(JSON.stringify({ code, message }));
  const writer = new BinaryWriter().tag(1, WireType.Varint).int32(code).tag(2, WireType.LengthDelimited);
  return Buffer.from(writer.string(message).finish());
}
