/**
 * An HTTP/2 server that only lets verified peers in.
 */
import {
  createSecureServer,
  type Http2SecureServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Session,
  type Settings,
} from 'node:http2';
import type { TLSSocket } from 'node:tls';
import { LiveConnections, type LiveConnectionsOptions } from './live-connections.ts';
import { resolveServerOptions, type SpiffeTlsOptions, type WebCertificateOptions } from './spiffe-tls-options.ts';
import { guardTlsServer, presentedNow } from './tls-listener.ts';
import { serverTlsOptions } from './tls-options.ts';
import { findConnection, rememberConnection, VerifiedConnection } from './verified-connection.ts';

/** Bounds of what an HTTP/2 client may take. */
export interface Http2ServerBounds {
  /** A handshake must be done within this time. Default 10 s. */
  readonly handshakeTimeoutMs?: number;
  /** Open connections at most; further ones are dropped at once. Default 1024. */
  readonly maxConnections?: number;
  /** HTTP/2 settings to announce. Default: at most 100 streams at a time on a connection, else Node's. */
  readonly settings?: Settings;
}

/** Options of {@link createSpiffeHttp2Server}: mTLS, both sides with an X.509-SVID. */
export interface SpiffeHttp2ServerOptions extends SpiffeTlsOptions, LiveConnectionsOptions, Http2ServerBounds {}

/** The same where the server's certificate is the web's. */
export type SpiffeHttp2WebServerOptions = WebCertificateOptions & LiveConnectionsOptions & Http2ServerBounds;

/** Handles a request, as `http2.createSecureServer` has it. */
export type Http2RequestListener = (request: Http2ServerRequest, response: Http2ServerResponse) => void;

/** Under which a verified socket carries its connection, so that it can be read through the proxy that a session shows. */
const CONNECTION = Symbol('spiffe-tls connection');

/**
 * Creates an HTTP/2 server that presents the source's SVID, requires one of each client, agrees on `h2` and verifies the
 * client before a byte of HTTP is read. {@link peerOf} gives the peer of a request, a stream or a session. A connection
 * whose peer is no longer verified gets GOAWAY, and ends when its streams have.
 *
 * It may be created before the source has an identity: until then every connection is dropped. `listen` and `close` are
 * Node's own. Without a listener, use the server's `stream` event.
 *
 * @example
 * const server = createSpiffeHttp2Server({ source, authorize: authorizeId(customerId) }, (request, response) => {
 *   response.end(`Hello ${peerOf(request)?.id}`);
 * });
 * server.listen(8443);
 */
export function createSpiffeHttp2Server(
  options: SpiffeHttp2ServerOptions | SpiffeHttp2WebServerOptions,
  listener?: Http2RequestListener,
): Http2SecureServer {
  const resolved = resolveServerOptions(options);
  const live = new LiveConnections(resolved, options);
  const server = createSecureServer({
    ...serverTlsOptions(presentedNow(resolved), options),
    settings: { maxConcurrentStreams: 100, ...options.settings },
  });
  server.maxConnections = options.maxConnections ?? 1024;
  serveVerifiedOnly(server);
  guardTlsServer(server, {
    options: resolved,
    transport: 'https',
    alpn: 'h2',
    onVerified: (connection) => Object.defineProperty(connection.socket, CONNECTION, { value: connection }),
  });
  server.prependListener('session', (session: ServerHttp2Session) => follow(session, live));
  // An SVID that has expired by now counts as expired, whether or not its timer was on time.
  server.prependListener('stream', () => live.sweep());
  if (listener !== undefined) server.on('request', listener);
  return server;
}

/** Node's listener would begin HTTP/2 on a refused socket as well, although that is destroyed by then. */
function serveVerifiedOnly(server: Http2SecureServer): void {
  const begin = server.listeners('secureConnection');
  server.removeAllListeners('secureConnection');
  server.on('secureConnection', (socket: TLSSocket) => {
    if (findConnection(socket) === undefined) return;
    for (const listener of begin) Reflect.apply(listener, server, [socket]);
  });
}

function follow(session: ServerHttp2Session, live: LiveConnections): void {
  const connection: unknown = Reflect.get(session.socket, CONNECTION);
  if (!(connection instanceof VerifiedConnection)) {
    // It would be a way past the verdict, so it must not live, however it came to be.
    session.destroy();
    return;
  }
  rememberConnection(session, connection);
  live.add(connection, { closeGracefully: () => session.close() });
}
