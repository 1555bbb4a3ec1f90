/**
 * An `https.Server` that only lets verified peers in. Any request listener fits, Express's among them.
 */
import type { RequestListener, ServerResponse } from 'node:http';
import { Server } from 'node:https';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { LiveConnections, type LiveConnectionsOptions } from './live-connections.ts';
import {
  type NoClientCertificateOptions,
  resolveServerOptions,
  type SpiffeTlsOptions,
  type WebCertificateOptions,
} from './spiffe-tls-options.ts';
import { guardTlsServer, presentedNow } from './tls-listener.ts';
import { serverTlsOptions } from './tls-options.ts';

/** Bounds of what an HTTPS client may take. */
export interface HttpsServerBounds {
  /** A handshake must be done within this time. Default 10 s. */
  readonly handshakeTimeoutMs?: number;
  /** A request's headers must be there within this time. Default 10 s. */
  readonly headersTimeoutMs?: number;
  /** A whole request, body included, must be there within this time. Default 60 s. */
  readonly requestTimeoutMs?: number;
  /**
   * How long an idle connection is kept; told to clients as `Keep-Alive: timeout`. Our agent gives an idle connection up a
   * second before, so that it never sends into one that is just being closed. Default 30 s.
   */
  readonly keepAliveTimeoutMs?: number;
  /** Open connections at most; further ones are dropped at once. Default 1024. */
  readonly maxConnections?: number;
}

/** Options of {@link createSpiffeHttpsServer}: mTLS, both sides with an X.509-SVID. */
export interface SpiffeHttpsServerOptions extends SpiffeTlsOptions, LiveConnectionsOptions, HttpsServerBounds {}

/** Where one side has no X.509-SVID: the server's certificate is the web's, or clients are not asked for one. */
export type SpiffeHttpsServerModeOptions = (WebCertificateOptions | NoClientCertificateOptions) &
  LiveConnectionsOptions &
  HttpsServerBounds;

/** How often Node looks for connections that exceed the header or request timeout. */
const TIMEOUT_CHECK_MS = 2_000;

/**
 * Creates an HTTPS server that presents the source's SVID, requires one of each client and verifies it before a byte of
 * HTTP is read. {@link peerOf} gives the peer of a request.
 *
 * With `webCertificate` it presents that instead, and verifies clients just the same. With `clientCertificate: 'none'` it
 * presents its SVID and asks clients for nothing: {@link peerOf} is `undefined` for each request, so guards answer 401.
 *
 * It may be created before the source has an identity: until then every connection is dropped. `listen` and `close` are
 * Node's own; while the server closes, each answer says `Connection: close`.
 *
 * @throws {TypeError} for options that belong to different modes.
 * @example
 * const server = createSpiffeHttpsServer({ source, authorize: authorizeId(customerId) }, app);
 * server.listen(8443);
 */
export function createSpiffeHttpsServer(
  options: SpiffeHttpsServerOptions | SpiffeHttpsServerModeOptions,
  listener: RequestListener,
): Server {
  return new SpiffeHttpsServer(options, listener);
}

class SpiffeHttpsServer extends Server {
  readonly #open = new Map<Socket, HttpExchanges>();

  constructor(options: SpiffeHttpsServerOptions | SpiffeHttpsServerModeOptions, listener: RequestListener) {
    const resolved = resolveServerOptions(options);
    super({
      ...serverTlsOptions(presentedNow(resolved), options),
      ALPNProtocols: ['http/1.1'],
      headersTimeout: options.headersTimeoutMs ?? 10_000,
      requestTimeout: options.requestTimeoutMs ?? 60_000,
      keepAliveTimeout: options.keepAliveTimeoutMs ?? 30_000,
      connectionsCheckingInterval: TIMEOUT_CHECK_MS,
    });
    this.maxConnections = options.maxConnections ?? 1024;
    const live = new LiveConnections(resolved, options);
    guardTlsServer(this, {
      options: resolved,
      transport: 'https',
      onVerified: (connection) => live.add(connection, this.#follow(connection.socket)),
      onAnonymous: (socket) => void this.#follow(socket),
    });
    this.on('request', (request, response) => {
      // An SVID that has expired by now counts as expired, whether or not its timer was on time.
      live.sweep();
      this.#open.get(request.socket)?.begin(response, this.listening);
    });
    this.on('request', listener);
  }

  /** Closes as Node does; answers still to come tell their clients that the connection ends. */
  override close(callback?: (error?: Error) => void): this {
    for (const exchanges of this.#open.values()) exchanges.stopUsing();
    return super.close(callback);
  }

  #follow(socket: TLSSocket): HttpExchanges {
    const exchanges = new HttpExchanges(socket);
    this.#open.set(socket, exchanges);
    socket.once('close', () => this.#open.delete(socket));
    return exchanges;
  }
}

/** The requests in progress on one connection, so that it can be closed between two of them. */
class HttpExchanges {
  readonly #socket: TLSSocket;
  readonly #open = new Set<ServerResponse>();
  #last = false;
  #closing = false;

  constructor(socket: TLSSocket) {
    this.#socket = socket;
  }

  begin(response: ServerResponse, listening: boolean): void {
    this.#open.add(response);
    response.once('close', () => {
      this.#open.delete(response);
      if (this.#closing) this.#closeWhenIdle();
    });
    if (this.#last || !listening) announceClose(response);
  }

  /** The client is told with each answer that this connection takes no further request. */
  stopUsing(): void {
    this.#last = true;
    for (const response of this.#open) announceClose(response);
  }

  closeGracefully(): void {
    this.#closing = true;
    this.#closeWhenIdle();
  }

  #closeWhenIdle(): void {
    if (this.#open.size === 0) this.#socket.destroySoon();
  }
}

function announceClose(response: ServerResponse): void {
  if (!response.headersSent) response.setHeader('Connection', 'close');
}
