/**
 * The guard of a gRPC server: an interceptor that decides each call when its headers arrive, before a message is read and
 * before the handler of any kind (unary and all streams) is invoked. Of the metadata the caller chain alone is read, because
 * it is signed: the rest is what anybody can write.
 *
 * One interceptor guards every registered method, so none can be forgotten: health and reflection need grants like any
 * other. A method that is not registered is answered UNIMPLEMENTED by grpc-js itself, and no code of the service runs.
 */
import { chainIn } from '@countersign/caller-chain';
import { type Peer, peerOf } from '@countersign/spiffe-tls';
import { type Metadata, ServerInterceptingCall, type ServerInterceptor } from '@grpc/grpc-js';
import { authorizeCall, type CallDescription, type GuardOptions } from './authorize-call.ts';
import { type Call, runInCall } from './call-context.ts';
import { toGrpcStatus } from './to-grpc-status.ts';

/** A call as grpc-js gives it to interceptors. */
export type GrpcCarrier = Parameters<ServerInterceptor>[1];

/** How a guard decides. */
export interface GrpcGuardOptions extends GuardOptions {
  /** The verified peer of a call. Default `peerOf` of `@countersign/spiffe-tls`. */
  readonly peerOf?: (call: GrpcCarrier) => Peer | undefined;
}

type Listener = Parameters<ServerInterceptingCall['start']>[0];

/**
 * Creates the interceptor of a gRPC server. Refuses with UNAUTHENTICATED, PERMISSION_DENIED or UNAVAILABLE and status details
 * that hold the decision's ID; what is allowed runs inside the call's context, later events of a stream included.
 *
 * Give it as the server's *first* interceptor but those that only watch: an interceptor before it sees refusals on their
 * way out, one after it sees allowed calls alone.
 * @example
 * const server = new Server({ interceptors: [createGrpcGuard({ engine, self })] });
 */
export function createGrpcGuard(options: GrpcGuardOptions): ServerInterceptor {
  return (method, call) => new GuardedCall(options, method.path, call);
}

class GuardedCall extends ServerInterceptingCall {
  readonly #options: GrpcGuardOptions;
  readonly #path: string;
  readonly #carrier: GrpcCarrier;
  /** Set when the call is allowed. A change of policy asks about open streams again from here. */
  #call: Call | undefined;

  constructor(options: GrpcGuardOptions, path: string, carrier: GrpcCarrier) {
    super(carrier);
    this.#options = options;
    this.#path = path;
    this.#carrier = carrier;
  }

  override start(listener: Listener): void {
    // What follows a refusal (messages on the way, the cancellation) finds no call, and the handler learns nothing of it.
    const inCall = (run: () => void): void => {
      if (this.#call !== undefined) runInCall(this.#call, run);
    };
    super.start({
      onReceiveMetadata: (metadata) => {
        this.#call = this.#authorize(metadata);
        inCall(() => listener.onReceiveMetadata(metadata));
      },
      onReceiveMessage: (message) => inCall(() => listener.onReceiveMessage(message)),
      onReceiveHalfClose: () => inCall(() => listener.onReceiveHalfClose()),
      onCancel: () => inCall(() => listener.onCancel()),
    });
  }

  #authorize(metadata: Metadata): Call | undefined {
    const verdict = authorizeCall(this.#options, {
      peer: () => (this.#options.peerOf ?? peerOf)(this.#carrier),
      describe: () => describe(this.#path),
      chain: () => chainIn((name) => metadata.get(name).map(String)),
      act: () => this.#path,
    });
    if (verdict.allow) return verdict.call;
    this.#carrier.sendStatus(toGrpcStatus(verdict.refusal, this.#options.development));
    return undefined;
  }
}

function describe(path: string): CallDescription | undefined {
  const [, service, method] = /^\/([^/]+)\/([^/]+)$/.exec(path) ?? [];
  if (service === undefined || method === undefined) return undefined;
  return { transport: 'grpc', operation: path, grpc: { service, method } };
}
