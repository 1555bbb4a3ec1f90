/**
 * A server that receives OTLP over gRPC, without TLS: for stand-ins of trace stores behind a Collector, which has TLS to
 * the services.
 * @see https://opentelemetry.io/docs/specs/otlp/#otlpgrpc
 */
import {
  type handleUnaryCall,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js';
import { exportResponse } from './answer-messages.ts';
import { OtlpError } from './errors.ts';
import { EXPORT_LIMITS, type ExportLimits } from './limits.ts';
import type { OtlpSink, Signal } from './sink.ts';
import { takeExport } from './take-export.ts';

/** Where {@link startOtlpGrpcReceiver} listens, and how it receives. */
export interface OtlpGrpcReceiverOptions {
  readonly sink: OtlpSink;
  /** Host and port; port 0 takes a free one. */
  readonly address: string;
  /** Of what is in an export. Its bytes are bounded by gRPC's own 4 MiB. */
  readonly limits?: ExportLimits;
}

/** A server that listens. */
export interface OtlpGrpcReceiver {
  /** The one that was taken. */
  readonly port: number;
  /** Ends it, calls in progress too. */
  close(): void;
}

const METHODS: Readonly<Record<Signal, string>> = {
  traces: '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
  logs: '/opentelemetry.proto.collector.logs.v1.LogsService/Export',
  metrics: '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export',
};

/** Starts it. Rejects when it can't listen. */
export async function startOtlpGrpcReceiver({
  sink,
  address,
  limits = EXPORT_LIMITS,
}: OtlpGrpcReceiverOptions): Promise<OtlpGrpcReceiver> {
  const server = new Server();
  for (const signal of ['traces', 'logs', 'metrics'] as const)
    server.addService(serviceOf(METHODS[signal]), { export: createExport(signal, sink, limits) });
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  );
  return { port, close: () => server.forceShutdown() };
}

/** Messages stay bytes on the way through gRPC: they are read with the export's own bounds. */
function serviceOf(path: string) {
  const same = (bytes: Buffer) => bytes;
  return {
    export: {
      path,
      requestStream: false,
      responseStream: false,
      requestSerialize: same,
      requestDeserialize: same,
      responseSerialize: same,
      responseDeserialize: same,
    },
  };
}

function createExport(signal: Signal, sink: OtlpSink, limits: ExportLimits): handleUnaryCall<Buffer, Buffer> {
  return ({ request, metadata }: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>) => {
    try {
      const taken = takeExport(signal, { encoding: 'protobuf', bytes: request, limits }, sink);
      const userAgent = metadata.get('user-agent').join(' ');
      sink.received?.({ signal, body: request, contentType: 'application/x-protobuf', userAgent });
      done(null, exportResponse(signal, 'protobuf', taken));
    } catch (error) {
      const [code, details] =
        error instanceof OtlpError
          ? [status.INVALID_ARGUMENT, error.message]
          : [status.INTERNAL, 'the export could not be taken'];
      done({ code, details });
    }
  };
}
