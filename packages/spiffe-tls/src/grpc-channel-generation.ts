/**
 * One inner channel of a {@link createSpiffeGrpcChannel} channel: the connections made from one moment on, and the calls
 * over them. It is used until it is retired and closes when its calls have ended.
 */
import type { Socket } from 'node:net';
import {
  Channel,
  type ChannelInterface,
  type ChannelOptions,
  connectivityState,
  type StatusObject,
  status,
} from '@grpc/grpc-js';
import type { Clock } from './clock.ts';
import { SpiffeTlsError } from './errors.ts';
import { type Call, TrackedCall, UNARY_SETTLES_MS } from './grpc-call.ts';
import { silenceOf } from './grpc-connect-watch.ts';
import { SpiffeChannelCredentials } from './grpc-credentials.ts';
import { sentenceOf } from './refusal.ts';
import type { Retirement } from './retirement.ts';
import type { TlsSettings } from './spiffe-tls-options.ts';
import type { VerifiedConnection } from './verified-connection.ts';

/** How a generation connects. */
export interface GenerationOptions {
  readonly options: TlsSettings;
  readonly target: string;
  readonly host: string;
  readonly channelOptions: ChannelOptions;
  readonly onVerified: (connection: VerifiedConnection, generation: ChannelGeneration) => void;
  readonly onClosed: (generation: ChannelGeneration) => void;
  /** An address does not answer, and there is no connection to another. */
  readonly onSilent: (generation: ChannelGeneration) => void;
}

/** See the file's comment. */
export class ChannelGeneration {
  readonly channel: ChannelInterface;
  readonly #clock: Clock;
  readonly #onClosed: () => void;
  readonly #calls = new Set<TrackedCall>();
  readonly #sockets = new Set<Socket>();
  readonly #cancels: Array<() => void> = [];
  #state: 'used' | 'retired' | 'closed' = 'used';
  #lastError: unknown;

  constructor({ options, target, host, channelOptions, onVerified, onClosed, onSilent }: GenerationOptions) {
    this.#clock = options.clock;
    this.#onClosed = () => onClosed(this);
    const credentials = new SpiffeChannelCredentials({
      options,
      host,
      onSocket: (socket) => this.#own(socket),
      onVerified: (connection) => onVerified(connection, this),
      onFailed: (error) => {
        this.#lastError = error;
      },
      onSilent: () => {
        if (this.#isTrying) onSilent(this);
      },
      silentAfterMs: silenceOf(channelOptions),
    });
    this.channel = new Channel(target, credentials, channelOptions);
  }

  /** Whether there is, or may be in a moment, a connection that was made with an SVID which is no longer the present one. */
  get isConnected(): boolean {
    const state = this.channel.getConnectivityState(false);
    return state === connectivityState.READY || state === connectivityState.CONNECTING;
  }

  /** Whether no server of the name is connected, and grpc-js has not left it at that. */
  get #isTrying(): boolean {
    const state = this.channel.getConnectivityState(false);
    return state === connectivityState.CONNECTING || state === connectivityState.TRANSIENT_FAILURE;
  }

  createCall(...args: Parameters<ChannelInterface['createCall']>): Call {
    const call = new TrackedCall(this.channel.createCall(...args), {
      clock: this.#clock,
      onEnd: (ended) => {
        this.#calls.delete(ended);
        this.#closeWhenDone();
      },
      explain: (received) => this.#explain(received),
    });
    this.#calls.add(call);
    return call;
  }

  /** Connects ahead of the first call, and calls back once when connected. */
  connect(onReady: () => void): void {
    const state = this.channel.getConnectivityState(true);
    if (state === connectivityState.READY) onReady();
    else if (state !== connectivityState.SHUTDOWN) {
      this.channel.watchConnectivityState(state, Number.POSITIVE_INFINITY, () => this.connect(onReady));
    }
  }

  /**
   * Takes no new call. Streams end with the retirement; what is not known to be one may go on until the SVID expires, when
   * the server would cut it off anyway.
   */
  retire({ endInMs, expiresInMs }: Retirement): void {
    if (this.#state !== 'used') return;
    this.#state = 'retired';
    this.#cancels.push(
      this.#clock.schedule(endInMs, () => this.#end((call) => call.isStream())),
      // By then those that had only just begun have shown what they are.
      this.#clock.schedule(endInMs + UNARY_SETTLES_MS, () => this.#end((call) => call.isStream())),
      this.#clock.schedule(Math.max(endInMs + UNARY_SETTLES_MS, expiresInMs), () => this.#end(() => true)),
    );
    this.#closeWhenDone();
  }

  /** Closes at once, in grpc-js's sense: calls on the wire may still end by themselves. */
  close(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    for (const cancel of this.#cancels) cancel();
    this.channel.close();
    this.#onClosed();
    this.#destroyWhenDone();
  }

  #own(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    this.#destroyWhenDone();
  }

  /** grpc-js forgets a connection that is being made while its channel closes, and would leave it open for good. */
  #destroyWhenDone(): void {
    if (this.#state !== 'closed' || this.#calls.size > 0) return;
    for (const socket of this.#sockets) socket.destroy();
  }

  #end(which: (call: TrackedCall) => boolean): void {
    for (const call of [...this.#calls]) if (which(call)) call.retire();
  }

  #closeWhenDone(): void {
    if (this.#calls.size > 0) return;
    if (this.#state === 'retired') this.close();
    else this.#destroyWhenDone();
  }

  /** grpc-js turns a failed handshake into text; the error itself goes along as `cause`. */
  #explain(received: StatusObject): StatusObject {
    const error = this.#lastError;
    if (received.code !== status.UNAVAILABLE || !(error instanceof SpiffeTlsError)) return received;
    if (!received.details.includes(error.message)) return received;
    const details = received.details.replace(error.message, () => sentenceOf(error));
    return Object.assign({}, received, { details, cause: error });
  }
}
