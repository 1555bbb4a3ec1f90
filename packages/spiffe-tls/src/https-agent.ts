/**
 * An `https.Agent` that verifies each server before a byte is sent and follows the source: after a rotation new requests
 * go over new connections, those in flight finish, and nothing is sent to a server that is no longer verified.
 *
 * Only the client can close an idle HTTP/1.1 connection without a race, so it always does so first: a second before the
 * server's announced end, and by itself at a rotation. A server of ours in turn ends a connection with an answer that says
 * `Connection: close`.
 */
import { Agent, type RequestOptions } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { LiveConnections, type LiveConnectionsOptions } from './live-connections.ts';
import { checkRetireWindow, scheduleRetirements } from './retirement.ts';
import {
  type PresentNothingOptions,
  resolveClientOptions,
  type SpiffeTlsOptions,
  type TlsSettings,
  type WebServerOptions,
} from './spiffe-tls-options.ts';
import { dial } from './tls-dialer.ts';
import { findConnection } from './verified-connection.ts';

/** How an agent keeps its connections. */
export interface HttpsAgentBounds {
  /**
   * Part of the SVID's remaining life within which connections made with it are replaced after a rotation, from 0 (at
   * once) to 1. Default 0.1. New work leaves them within 5 s when another authority signed the new SVID, and at once when the
   * bundle verifies the former one no more.
   */
  readonly retireWindow?: number;
  /** Connections to one server at most; further requests wait. Default: no limit. */
  readonly maxSockets?: number;
  /** An idle connection is kept this long at most, and less if the server says so. Default 25 s. */
  readonly idleTimeoutMs?: number;
}

/** Options of {@link createSpiffeHttpsAgent}: mTLS, both sides with an X.509-SVID. */
export interface SpiffeHttpsAgentOptions extends SpiffeTlsOptions, LiveConnectionsOptions, HttpsAgentBounds {}

/** Where one side has no X.509-SVID: the server's certificate is the web's, or the client presents nothing. */
export type SpiffeHttpsAgentModeOptions = (WebServerOptions | PresentNothingOptions) &
  LiveConnectionsOptions &
  HttpsAgentBounds;

const IDLE_TIMEOUT_MS = 25_000;
/** How long before the server's announced end an idle connection is given up. */
const HINT_MARGIN_MS = 1_000;
/** The key under which a connection's options carry its generation, so that Node's name for it never changes. */
const GENERATION = Symbol('spiffe-tls generation');
/** What a caller may choose about a connection. Everything else is decided here. */
const PASSED_ON: ReadonlySet<string> = new Set([
  'localAddress',
  'family',
  'hints',
  'lookup',
  'path',
  'timeout',
  'keepAlive',
  'keepAliveInitialDelay',
  'noDelay',
  'signal',
]);

type ConnectOptions = RequestOptions & { [GENERATION]?: number };
type Connected = (error: Error | null, stream: Duplex) => void;

/** See {@link createSpiffeHttpsAgent}. */
export class SpiffeHttpsAgent extends Agent {
  readonly #options: TlsSettings;
  readonly #live: LiveConnections;
  readonly #stopRetirements: () => void;
  readonly #generations = new WeakMap<Duplex, number>();
  /** Connections to servers with a web certificate; those to others are found by `findConnection`. */
  readonly #webServers = new WeakSet<Duplex>();
  #generation = 0;

  /** Use {@link createSpiffeHttpsAgent}. */
  constructor(options: SpiffeHttpsAgentOptions | SpiffeHttpsAgentModeOptions) {
    super({
      keepAlive: true,
      // ZERO TRUST: no session cache. A resumed session would skip the verdict over the server.
      maxCachedSessions: 0,
      timeout: options.idleTimeoutMs ?? IDLE_TIMEOUT_MS,
      ...(options.maxSockets !== undefined && { maxSockets: options.maxSockets }),
    });
    this.#options = resolveClientOptions(options);
    this.#live = new LiveConnections(this.#options, options);
    const window = checkRetireWindow(options.retireWindow);
    this.#stopRetirements = scheduleRetirements({
      options: this.#options,
      window,
      onRetire: () => this.#retire(),
      onWithdrawal: this.#options.webRoots !== undefined,
    });
  }

  /** The name that Node keeps connections under. It holds the generation, so that a new one never gets an old connection. */
  override getName(options: ConnectOptions = {}): string {
    // Node asks for the name before it takes an idle connection: a server that expired a moment ago is out by then.
    this.#live.sweep();
    return `${super.getName(options)}:${options[GENERATION] ?? this.#generation}`;
  }

  /** Connects and verifies. Node calls this. */
  override createConnection(options: ConnectOptions, callback?: Connected): Duplex | undefined {
    // The very object that Node names the connection by later, when it becomes idle, perhaps after a rotation.
    options[GENERATION] ??= this.#generation;
    try {
      const socket = this.#dial(options);
      this.#generations.set(socket, options[GENERATION]);
      return socket;
    } catch (error) {
      // Without an identity there is no connection. Through the callback, so that it is the request's `error` event.
      const failed: (error: unknown) => void =
        callback === undefined ? throwIt : (reason) => Reflect.apply(callback, undefined, [reason]);
      failed(error);
      return undefined;
    }
  }

  /** Says whether a connection may be used again. Node calls this when a request is done. */
  override keepSocketAlive(socket: Duplex): boolean {
    if (this.#generations.get(socket) !== this.#generation) return false;
    if (findConnection(socket)?.peer === undefined && !this.#webServers.has(socket)) return false;
    const keep: unknown = super.keepSocketAlive(socket);
    if (keep === false) return false;
    this.#leaveMargin(socket);
    return true;
  }

  /** Closes every connection and stops following the source. */
  override destroy(): void {
    this.#stopRetirements();
    super.destroy();
    this.#live.close();
  }

  #dial(options: ConnectOptions): Socket {
    const { host, port, servername } = options;
    const extra = Object.fromEntries(
      Object.entries(options).filter(([name, value]) => PASSED_ON.has(name) && value != null),
    );
    const socket = dial({
      options: this.#options,
      transport: 'https',
      host: host ?? 'localhost',
      ...(port != null && { port: Number(port) }),
      ...(servername !== undefined && servername !== '' && { serverName: servername }),
      extra,
      onWebServer: () => void this.#webServers.add(socket),
      onVerified: (connection) =>
        this.#live.add(connection, {
          stopUsing: () => this.#destroyIdle((idle) => idle === socket),
          // One in use is not kept when its request is done: keepSocketAlive sees that it has no peer any more.
          closeGracefully: () => {},
        }),
    });
    return socket;
  }

  #retire(): void {
    this.#generation += 1;
    this.#destroyIdle((socket) => this.#generations.get(socket) !== this.#generation);
  }

  #destroyIdle(which: (socket: Duplex) => boolean): void {
    for (const sockets of Object.values(this.freeSockets)) {
      for (const socket of [...(sockets ?? [])]) if (which(socket)) socket.destroy();
    }
  }

  /** Older Node releases wait until the very moment at which the server closes; newer ones leave a margin themselves. */
  #leaveMargin(socket: Duplex): void {
    if ('agentKeepAliveTimeoutBuffer' in this || !('timeout' in socket) || !('setTimeout' in socket)) return;
    const { timeout, setTimeout } = socket;
    if (typeof timeout !== 'number' || typeof setTimeout !== 'function' || timeout === this.options.timeout) return;
    Reflect.apply(setTimeout, socket, [Math.max(1, timeout - HINT_MARGIN_MS)]);
  }
}

function throwIt(error: unknown): never {
  throw error;
}

/**
 * Creates an agent for `https.request` and everything that takes a Node agent. It presents the source's SVID, requires the
 * server to be who `authorize` accepts whatever its host name is, and never resumes a session. A refused server is the
 * request's `error` event with a {@link SpiffeTlsError}. Call `destroy()` when done.
 *
 * With `webServer` the server is verified as browsers do, by its chain and the host name, and gets to see the SVID; a refusal
 * is Node's own error then. With `clientCertificate: 'none'` the agent presents nothing, and verifies the server's SVID.
 *
 * @throws {TypeError} for options that belong to different modes.
 * @example
 * const agent = createSpiffeHttpsAgent({ source, authorize: authorizeId(backendId) });
 * https.get('https://127.0.0.1:8443/hello', { agent });
 */
export function createSpiffeHttpsAgent(
  options: SpiffeHttpsAgentOptions | SpiffeHttpsAgentModeOptions,
): SpiffeHttpsAgent {
  return new SpiffeHttpsAgent(options);
}
