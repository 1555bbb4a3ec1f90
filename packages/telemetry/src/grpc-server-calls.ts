/**
 * A span and a log line for every gRPC call that arrives. An interceptor of our own instead of OpenTelemetry's patch of
 * the handlers: a guard refuses before any handler runs, and the refused call is the one an operator looks for. It must be
 * the first interceptor, so that all others run inside its span.
 */
import {
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
  type ServerListener,
  status as Status,
} from '@grpc/grpc-js';
import {
  type Context,
  context,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { ATTRIBUTES } from './attributes.ts';
import { type CallRecord, callFields, type Party, withCallRecord } from './call-record.ts';
import { metadataGetter, rpcAttributes, STATUS_CODE, spanName, TRACER } from './grpc-span.ts';
import type { Logger } from './log.ts';

/** What {@link createGrpcCallLog} needs to know of the identities involved. */
export interface GrpcCallLogOptions {
  readonly logger: Logger;
  /** Who this process is at the moment. */
  readonly self: () => Party | undefined;
  /** Who calls, as verified on the connection. */
  readonly peerOf: (call: ServerInterceptingCallInterface) => Party | undefined;
}

/** Statuses that say the server failed; all others are the caller's (OpenTelemetry's conventions for RPC servers). */
const SERVER_FAULTS: ReadonlySet<number> = new Set([
  Status.UNKNOWN,
  Status.DEADLINE_EXCEEDED,
  Status.UNIMPLEMENTED,
  Status.INTERNAL,
  Status.UNAVAILABLE,
  Status.DATA_LOSS,
]);

/** Makes the interceptor. The line is written when the status is sent, or with `CANCELLED` when the caller has gone. */
export function createGrpcCallLog(options: GrpcCallLogOptions): ServerInterceptor {
  return (method, call) => {
    const observed = new ObservedCall(options, method.path, call);
    return new ServerInterceptingCall(call, {
      start: (next) => next(observed.listener()),
      sendStatus: (status, next) => {
        observed.end(status.code ?? Status.OK);
        next(status);
      },
    });
  };
}

/** One call: its span and record from the arrival of its metadata until its status. */
class ObservedCall {
  readonly #options: GrpcCallLogOptions;
  readonly #path: string;
  readonly #record: CallRecord;
  #span: Span | undefined;
  #context: Context = ROOT_CONTEXT;
  #ended = false;

  constructor(options: GrpcCallLogOptions, path: string, call: ServerInterceptingCallInterface) {
    this.#options = options;
    this.#path = path;
    this.#record = {
      transport: 'grpc',
      self: options.self(),
      peer: options.peerOf(call),
      startedMs: performance.now(),
      operation: path,
      decision: undefined,
    };
  }

  /** Each event enters the call's context anew: HTTP/2 delivers them from the connection's context, not from the call's. */
  listener(): ServerListener {
    return {
      onReceiveMetadata: (metadata, next) => {
        // As over HTTP: only a verified peer's trace context is believed.
        const known = this.#record.peer !== undefined;
        this.#begin(known ? propagation.extract(ROOT_CONTEXT, metadata, metadataGetter) : ROOT_CONTEXT);
        this.#within(() => next(metadata));
      },
      onReceiveMessage: (message, next) => this.#within(() => next(message)),
      onReceiveHalfClose: (next) => this.#within(next),
      onCancel: () => this.end(Status.CANCELLED),
    };
  }

  end(code: Status): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#span?.setAttribute(STATUS_CODE, code);
    if (SERVER_FAULTS.has(code)) this.#span?.setStatus({ code: SpanStatusCode.ERROR });
    this.#span?.end();
    this.#within(() =>
      this.#options.logger.info({
        event: 'request',
        ...callFields(this.#record),
        status: Status[code] ?? String(code),
        duration_ms: Math.round(performance.now() - this.#record.startedMs),
      }),
    );
  }

  #begin(parent: Context): void {
    const { self, peer } = this.#record;
    const attributes = {
      ...rpcAttributes(this.#path),
      [ATTRIBUTES.selfId]: self?.id,
      [ATTRIBUTES.peerId]: peer?.id,
      [ATTRIBUTES.peerSerial]: peer?.serial,
      [ATTRIBUTES.svidSerial]: self?.serial,
    };
    this.#span = trace.getTracer(TRACER).startSpan(spanName(this.#path), { kind: SpanKind.SERVER, attributes }, parent);
    this.#context = trace.setSpan(parent, this.#span);
  }

  #within(action: () => void): void {
    context.with(this.#context, () => withCallRecord(this.#record, action));
  }
}
