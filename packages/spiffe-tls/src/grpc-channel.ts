/**
 * A gRPC channel with SPIFFE identity, to be passed to any client as `channelOverride`. grpc-js has no way to renew the
 * connections of a channel, so this one holds an inner channel and replaces it after a rotation.
 */
import type { ChannelInterface, ChannelOptions } from '@grpc/grpc-js';
import { quote } from './errors.ts';
import type { Call } from './grpc-call.ts';
import { ChannelGeneration, type GenerationOptions } from './grpc-channel-generation.ts';
import { assertGrpcVersion } from './grpc-version.ts';
import { LiveConnections, type LiveConnectionsOptions } from './live-connections.ts';
import { checkRetireWindow, type Retirement, scheduleRetirements } from './retirement.ts';
import {
  type PresentNothingOptions,
  resolveSpiffeClientOptions,
  type SpiffeTlsOptions,
  type TlsSettings,
} from './spiffe-tls-options.ts';
import type { VerifiedConnection } from './verified-connection.ts';

/** Where a channel leads, and how it keeps connections. */
export interface GrpcChannelBounds {
  /** `host:port`; an IPv6 address in brackets. Names are resolved by DNS. */
  readonly address: string;
  /** More options for grpc-js. The subchannel pool is always the channel's own. */
  readonly channelOptions?: ChannelOptions;
  /**
   * Part of the SVID's remaining life within which connections made with it are replaced after a rotation, from 0 (at
   * once) to 1. Default 0.1. New work leaves them within 5 s when another authority signed the new SVID, and at once when the
   * bundle verifies the former one no more.
   */
  readonly retireWindow?: number;
}

/** Options of {@link createSpiffeGrpcChannel}: mTLS, both sides with an X.509-SVID. */
export interface SpiffeGrpcChannelOptions extends SpiffeTlsOptions, LiveConnectionsOptions, GrpcChannelBounds {}

/** The same for a client that presents nothing. */
export type SpiffeGrpcPresentNothingOptions = PresentNothingOptions & LiveConnectionsOptions & GrpcChannelBounds;

const MAX_TIMER_MS = 2 ** 31 - 1;
const DEFAULT_CHANNEL_OPTIONS: ChannelOptions = {
  'grpc.enable_http_proxy': 0,
  'grpc.initial_reconnect_backoff_ms': 250,
  'grpc.max_reconnect_backoff_ms': 5_000,
};

/** For calls that may go on: to a server that is no longer verified, until `LiveConnections` cuts off their sockets. */
const UNTIL_CUT_OFF: Retirement = { endInMs: MAX_TIMER_MS, expiresInMs: MAX_TIMER_MS };

/** See {@link createSpiffeGrpcChannel}. */
export class SpiffeGrpcChannel implements ChannelInterface {
  readonly #options: TlsSettings;
  readonly #generationOptions: GenerationOptions;
  readonly #live: LiveConnections;
  readonly #stopRetirements: () => void;
  readonly #retired = new Set<ChannelGeneration>();
  #current: ChannelGeneration;
  /** The successor while it connects. */
  #next: { readonly generation: ChannelGeneration; readonly cancel: () => void } | undefined;
  #closed = false;

  /** Use {@link createSpiffeGrpcChannel}. */
  constructor(options: SpiffeGrpcChannelOptions | SpiffeGrpcPresentNothingOptions) {
    assertGrpcVersion();
    this.#options = resolveSpiffeClientOptions(options);
    this.#live = new LiveConnections(this.#options, options);
    this.#generationOptions = {
      options: this.#options,
      target: `dns:${options.address}`,
      host: hostOf(options.address),
      channelOptions: { ...DEFAULT_CHANNEL_OPTIONS, ...options.channelOptions, 'grpc.use_local_subchannel_pool': 1 },
      onVerified: (connection, generation) => this.#follow(connection, generation),
      onClosed: (generation) => this.#retired.delete(generation),
      onSilent: (generation) => this.#leaveSilent(generation),
    };
    this.#current = new ChannelGeneration(this.#generationOptions);
    const window = checkRetireWindow(options.retireWindow);
    this.#stopRetirements = scheduleRetirements({
      options: this.#options,
      window,
      onRetire: (retirement) => this.#replaceWhenConnected(retirement),
    });
  }

  createCall(...args: Parameters<ChannelInterface['createCall']>): Call {
    this.#live.sweep();
    return this.#current.createCall(...args);
  }

  getTarget(): string {
    return this.#current.channel.getTarget();
  }

  getConnectivityState(tryToConnect: boolean): ReturnType<ChannelInterface['getConnectivityState']> {
    return this.#current.channel.getConnectivityState(tryToConnect);
  }

  watchConnectivityState(...args: Parameters<ChannelInterface['watchConnectivityState']>): void {
    this.#current.channel.watchConnectivityState(...args);
  }

  getChannelzRef(): ReturnType<ChannelInterface['getChannelzRef']> {
    return this.#current.channel.getChannelzRef();
  }

  /** Closes the channel and stops following the source. Calls on the wire may still end by themselves. */
  close(): void {
    this.#closed = true;
    this.#stopRetirements();
    this.#dropNext();
    for (const generation of [...this.#retired]) generation.close();
    this.#current.close();
  }

  #follow(connection: VerifiedConnection, generation: ChannelGeneration): void {
    this.#live.add(connection, {
      stopUsing: () => this.#replaceNow(generation),
      // Calls in progress may end by themselves; what is left when the grace is over ends with the socket.
      closeGracefully: () => {},
    });
  }

  /** After a rotation: the successor takes over once it is connected, so that no call waits for a handshake or fails with it. */
  #replaceWhenConnected(retirement: Retirement): void {
    // Without a connection nothing was made with the former SVID, and the next handshake presents the new one anyway.
    if (this.#closed || !this.#current.isConnected) return;
    this.#dropNext();
    const generation = new ChannelGeneration(this.#generationOptions);
    const started = this.#options.clock.now();
    const take = () => {
      if (this.#next?.generation !== generation) return;
      this.#next.cancel();
      this.#next = undefined;
      const waited = this.#options.clock.now() - started;
      this.#use(generation, {
        endInMs: Math.max(0, retirement.endInMs - waited),
        expiresInMs: Math.max(0, retirement.expiresInMs - waited),
      });
    };
    // A server that can't be reached now keeps its old connection until the former SVID ends.
    this.#next = { generation, cancel: this.#options.clock.schedule(retirement.expiresInMs, take) };
    generation.connect(take);
  }

  /** The server is no longer verified: nothing new may be sent to it over the connections there are. */
  #replaceNow(generation: ChannelGeneration): void {
    if (this.#closed) return;
    if (this.#next?.generation === generation) this.#dropNext();
    if (this.#current !== generation) return;
    this.#dropNext();
    this.#use(new ChannelGeneration(this.#generationOptions), UNTIL_CUT_OFF);
  }

  /**
   * Whoever calls from now on looks the name up anew; whoever waits already goes on to wait for the kernel. For a successor
   * nobody waits: as long as it does not connect, the old connection is used.
   */
  #leaveSilent(generation: ChannelGeneration): void {
    if (this.#closed || this.#current !== generation) return;
    this.#use(new ChannelGeneration(this.#generationOptions), UNTIL_CUT_OFF);
  }

  #use(generation: ChannelGeneration, retirement: Retirement): void {
    const former = this.#current;
    this.#current = generation;
    this.#retired.add(former);
    former.retire(retirement);
  }

  #dropNext(): void {
    this.#next?.cancel();
    this.#next?.generation.close();
    this.#next = undefined;
  }
}

function hostOf(address: string): string {
  const match = /^(?:\[([^\]]+)\]|([^:/[\]]+)):\d{1,5}$/.exec(address);
  const host = match?.[1] ?? match?.[2];
  if (host === undefined) throw new TypeError(`spiffe-tls: "address" must be host:port, got ${quote(address)}`);
  return host;
}

/**
 * Creates a channel that presents the source's SVID and requires the server to be who `authorize` accepts, whatever its
 * host name is, before a byte is sent. A refused server fails the call with UNAVAILABLE, a message that says what was
 * expected and got, and the {@link SpiffeTlsError} as `cause`.
 *
 * After a rotation new calls go over a new connection, which is made first; calls in progress finish. A stream that is
 * still open at the end of the window ends with UNAVAILABLE ({@link isRetiredStream}): open it again.
 *
 * @throws {TypeError} for an address that is not `host:port`, or when grpc-js is outside the range that this library was made for.
 * @example
 * const channel = createSpiffeGrpcChannel({ source, authorize: authorizeId(backendId), address: '127.0.0.1:9443' });
 * const client = new HelloServiceClient('backend', credentials.createInsecure(), { channelOverride: channel });
 */
export function createSpiffeGrpcChannel(
  options: SpiffeGrpcChannelOptions | SpiffeGrpcPresentNothingOptions,
): SpiffeGrpcChannel {
  return new SpiffeGrpcChannel(options);
}
