/**
 * A span for every gRPC call that leaves, with trace context sent along. An interceptor, so it does not depend on being
 * loaded before the generated clients, and it knows the server's SPIFFE ID.
 */
import { InterceptingCall, type Interceptor, status as Status } from '@grpc/grpc-js';
import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { ATTRIBUTES } from './attributes.ts';
import { chainAttributes, currentCallRecord, type Party } from './call-record.ts';
import { metadataSetter, rpcAttributes, STATUS_CODE, spanName, TRACER } from './grpc-span.ts';

/** What {@link createGrpcClientTracing} needs to know of the identities involved. */
export interface GrpcClientTracingOptions {
  /** Who this process is at the moment. */
  readonly self: () => Party | undefined;
  /** SPIFFE ID that the channel demands of the server: no call is sent to any other. */
  readonly peerId: string;
}

/** Makes the interceptor; pass it in the client's `interceptors`. */
export function createGrpcClientTracing(options: GrpcClientTracingOptions): Interceptor {
  return (callOptions, nextCall) => {
    const { path } = callOptions.method_definition;
    const self = options.self();
    const attributes = {
      ...rpcAttributes(path),
      [ATTRIBUTES.selfId]: self?.id,
      [ATTRIBUTES.peerId]: options.peerId,
      [ATTRIBUTES.svidSerial]: self?.serial,
      ...chainAttributes(currentCallRecord()),
    };
    const span = trace.getTracer(TRACER).startSpan(spanName(path), { kind: SpanKind.CLIENT, attributes });
    return new InterceptingCall(nextCall(callOptions), {
      start: (metadata, _listener, next) => {
        propagation.inject(trace.setSpan(context.active(), span), metadata, metadataSetter);
        next(metadata, {
          onReceiveStatus: (status, nextStatus) => {
            span.setAttribute(STATUS_CODE, status.code);
            if (status.code !== Status.OK) span.setStatus({ code: SpanStatusCode.ERROR, message: status.details });
            span.end();
            nextStatus(status);
          },
        });
      },
    });
  };
}
