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
import { authorizeCall, type CallDescription, type GuardOptions, type Verdict } from './authorize-call.ts';
import { type Call, runInCall } from './call-context.ts';
import { OpenCalls, Revocation } from './open-calls.ts';
import { toGrpcStatus } from './to-grpc-status.ts';

/** A call as grpc-js gives it to interceptors. */
export type GrpcCarrier = Parameters<ServerInterceptor>[1];

/** How a guard decides. */
export interface GrpcGuardOptions extends GuardOptions {
  /** The verified peer of a call. Default `peerOf` of `@countersign/spiffe-tls`. */
  readonly peerOf?: (call: GrpcCarrier) => Peer | undefined;
}

/** The interceptor of a gRPC server. */
export type GrpcGuard = ServerInterceptor & {
  /** Decides every open stream again: for whoever knows of a change that `engine` and `onChange` do not tell. */
  readonly reconsider: () => void;
};

type Listener = Parameters<ServerInterceptingCall['start']>[0];
type Status = Parameters<ServerInterceptingCall['sendStatus']>[0];

/** What all calls of a guard share. */
interface Guarding {
  readonly options: GrpcGuardOptions;
  readonly open: OpenCalls;
}

/**
 * Creates the interceptor of a gRPC server. Refuses with UNAUTHENTICATED, PERMISSION_DENIED or UNAVAILABLE and status details
 * that hold the decision's ID; what is allowed runs inside the call's context, later events of a stream included. A stream
 * is decided again, and recorded again, when another policy is loaded or `onChange` says so: refused, it ends with the
 * same statuses, and its handler sees a cancelled call.
 *
 * Give it as the server's *first* interceptor but those that only watch: an interceptor before it sees refusals on their
 * way out, one after it sees allowed calls alone.
 * @example
 * const server = new Server({ interceptors: [createGrpcGuard({ engine, self })] });
 */
export function createGrpcGuard(options: GrpcGuardOptions): GrpcGuard {
  const open = new OpenCalls(options);
  const guard: ServerInterceptor = ({ path, requestStream, responseStream }, call) =>
    new GuardedCall({ options, open }, { path, streams: requestStream || responseStream }, call);
  return Object.assign(guard, { reconsider: open.reconsider });
}

interface Method {
  readonly path: string;
  /** Whether it may stay open for long. */
  readonly streams: boolean;
}

class GuardedCall extends ServerInterceptingCall {
  readonly #guarding: Guarding;
  readonly #method: Method;
  readonly #carrier: GrpcCarrier;
  readonly #revocation = new Revocation();
  /** Set while the call is allowed. */
  #call: Call | undefined;
  #listener: Listener | undefined;
  /** Whether the policy ended it: whatever the handler still sends is dropped. */
  #revoked = false;
  #close: () => void = () => {};

  constructor(guarding: Guarding, method: Method, carrier: GrpcCarrier) {
    super(carrier);
    this.#guarding = guarding;
    this.#method = method;
    this.#carrier = carrier;
  }

  override start(listener: Listener): void {
    this.#listener = listener;
    super.start({
      onReceiveMetadata: (metadata) => {
        const verdict = this.#decide(metadata);
        if (!verdict.allow) {
          this.#carrier.sendStatus(this.#statusOf(verdict));
          return;
        }
        this.#call = verdict.call;
        if (this.#method.streams) this.#close = this.#guarding.open.add(() => this.#decideAgain());
        this.#inCall(() => listener.onReceiveMetadata(metadata));
      },
      onReceiveMessage: (message) => this.#inCall(() => listener.onReceiveMessage(message)),
      onReceiveHalfClose: () => this.#inCall(() => listener.onReceiveHalfClose()),
      onCancel: () => {
        this.#close();
        this.#inCall(() => listener.onCancel());
      },
    });
  }

  override sendMetadata(metadata: Parameters<ServerInterceptingCall['sendMetadata']>[0]): void {
    if (!this.#revoked) super.sendMetadata(metadata);
  }

  override sendMessage(...message: Parameters<ServerInterceptingCall['sendMessage']>): void {
    if (!this.#revoked) super.sendMessage(...message);
  }

  override sendStatus(status: Status): void {
    this.#close();
    if (!this.#revoked) super.sendStatus(status);
  }

  /** What follows a refusal (messages on the way, the cancellation) finds no call, and the handler learns nothing of it. */
  #inCall(run: () => void): void {
    if (this.#call !== undefined) runInCall(this.#call, run);
  }

  #decide(metadata?: Metadata): Verdict {
    const { options } = this.#guarding;
    const { path } = this.#method;
    return authorizeCall(options, {
      peer: () => (options.peerOf ?? peerOf)(this.#carrier),
      describe: () => describe(path),
      chain: () => chainIn((name) => metadata?.get(name).map(String) ?? []),
      act: () => path,
      earlier: this.#call,
      revocation: this.#revocation,
    });
  }

  #decideAgain(): void {
    const verdict = this.#decide();
    if (verdict.allow) return;
    this.#close();
    this.#revoked = true;
    this.#carrier.sendStatus(this.#statusOf(verdict));
    // The peer has its status, or gets it when it has read what was sent before. The handler is not to wait for that.
    this.#inCall(() => {
      this.#revocation.revoke(verdict.refusal);
      this.#listener?.onCancel();
    });
    this.#call = undefined;
  }

  #statusOf({ refusal }: Extract<Verdict, { allow: false }>): Status {
    return toGrpcStatus(refusal, this.#guarding.options.development);
  }
}

function describe(path: string): CallDescription | undefined {
  const [, service, method] = /^\/([^/]+)\/([^/]+)$/.exec(path) ?? [];
  if (service === undefined || method === undefined) return undefined;
  return { transport: 'grpc', operation: path, grpc: { service, method } };
}
