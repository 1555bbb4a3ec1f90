/**
 * A gRPC call that tells its channel when it ends, and whether it is a stream by now, so that a channel can be replaced
 * without failing anything that would have ended by itself.
 */
import { type CallCredentials, type ChannelInterface, type Metadata, type StatusObject, status } from '@grpc/grpc-js';
import type { Clock } from './clock.ts';

/** What `Channel.createCall` returns; grpc-js does not export the type by name. */
export type Call = ReturnType<ChannelInterface['createCall']>;
type Listener = Parameters<Call['start']>[1];
type MessageContext = Parameters<Call['sendMessageWithContext']>[0];

/** `details` of the UNAVAILABLE status with which a stream ends when its connection is retired. */
export const RETIRED_STREAM_DETAILS = 'spiffe-tls: stream ended for a rotation of the X.509-SVID, open it again';

/** Says whether a call ended because its connection was retired after a rotation: planned, and no failure of the server. */
export function isRetiredStream(error: { readonly code?: unknown; readonly details?: unknown }): boolean {
  return error.code === status.UNAVAILABLE && error.details === RETIRED_STREAM_DETAILS;
}

/** Within this time of its start a unary call has sent its request, and within this time of its answer it has its status. */
export const UNARY_SETTLES_MS = 1_000;

/** What a {@link TrackedCall} tells, and what it needs. */
export interface CallObserver {
  readonly clock: Clock;
  /** Called once, before the caller hears of the end. */
  readonly onEnd: (call: TrackedCall) => void;
  /** A chance to say more about why a call ended. */
  readonly explain: (status: StatusObject) => StatusObject;
}

/** See the file's comment. */
export class TrackedCall implements Call {
  readonly #call: Call;
  readonly #observer: CallObserver;
  #startedMs = Number.POSITIVE_INFINITY;
  #firstMessageMs = Number.POSITIVE_INFINITY;
  #halfClosed = false;
  #received = 0;

  constructor(call: Call, observer: CallObserver) {
    this.#call = call;
    this.#observer = observer;
  }

  /**
   * Whether the call is known to stream: more than one answer came, or it has stayed open after its first, or it still may
   * send long after its start. A unary call that waits for its answer looks like a server stream that has been silent so
   * far, and counts as none.
   */
  isStream(): boolean {
    const now = this.#observer.clock.now();
    const stillSends = !this.#halfClosed && now - this.#startedMs >= UNARY_SETTLES_MS;
    return stillSends || this.#received > 1 || now - this.#firstMessageMs >= UNARY_SETTLES_MS;
  }

  /** Ends the call as planned. */
  retire(): void {
    this.#call.cancelWithStatus(status.UNAVAILABLE, RETIRED_STREAM_DETAILS);
  }

  start(metadata: Metadata, listener: Listener): void {
    this.#startedMs = this.#observer.clock.now();
    this.#call.start(metadata, {
      onReceiveMetadata: (received) => listener.onReceiveMetadata(received),
      onReceiveMessage: (message) => {
        this.#received += 1;
        if (this.#received === 1) this.#firstMessageMs = this.#observer.clock.now();
        listener.onReceiveMessage(message);
      },
      onReceiveStatus: (received) => {
        this.#observer.onEnd(this);
        listener.onReceiveStatus(this.#observer.explain(received));
      },
    });
  }

  cancelWithStatus(code: status, details: string): void {
    // Without a start there is no listener, and nobody would hear of the end.
    if (this.#startedMs === Number.POSITIVE_INFINITY) this.#observer.onEnd(this);
    this.#call.cancelWithStatus(code, details);
  }

  sendMessageWithContext(context: MessageContext, message: Buffer): void {
    this.#call.sendMessageWithContext(context, message);
  }

  halfClose(): void {
    this.#halfClosed = true;
    this.#call.halfClose();
  }

  startRead(): void {
    this.#call.startRead();
  }

  setCredentials(callCredentials: CallCredentials): void {
    this.#call.setCredentials(callCredentials);
  }

  getPeer(): string {
    return this.#call.getPeer();
  }

  getCallNumber(): number {
    return this.#call.getCallNumber();
  }

  getAuthContext(): ReturnType<Call['getAuthContext']> {
    return this.#call.getAuthContext();
  }
}
