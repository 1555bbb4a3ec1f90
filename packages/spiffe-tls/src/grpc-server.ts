/**
 * A gRPC server that only lets verified peers in: a TLS server of its own judges each connection and hands the accepted
 * ones to grpc-js, which never sees the others. grpc-js's own credentials have no hook before HTTP/2.
 */
import type { AddressInfo, Socket } from 'node:net';
import { createServer, type PeerCertificate, type Server as TlsServer } from 'node:tls';
import { type Server as GrpcServer, ServerCredentials } from '@grpc/grpc-js';
import { assertGrpcVersion } from './grpc-version.ts';
import { LiveConnections, type LiveConnectionsOptions } from './live-connections.ts';
import {
  resolveServerOptions,
  type SpiffeTlsOptions,
  type TlsSettings,
  type WebCertificateOptions,
} from './spiffe-tls-options.ts';
import { guardTlsServer, presentedNow } from './tls-listener.ts';
import { serverTlsOptions } from './tls-options.ts';
import { rememberConnection, type VerifiedConnection } from './verified-connection.ts';

/** The server, and bounds of what a gRPC client may take. */
export interface GrpcServerBounds {
  /** The server with the services, from `new grpc.Server()`. Do not bind it to a port as well. */
  readonly server: GrpcServer;
  /** A handshake must be done within this time. Default 10 s. */
  readonly handshakeTimeoutMs?: number;
  /** Open connections at most; further ones are dropped at once. Default 1024. */
  readonly maxConnections?: number;
}

/** Options of {@link createSpiffeGrpcServer}: mTLS, both sides with an X.509-SVID. */
export interface SpiffeGrpcServerOptions extends SpiffeTlsOptions, LiveConnectionsOptions, GrpcServerBounds {}

/** The same where the server's certificate is the web's. */
export type SpiffeGrpcWebServerOptions = WebCertificateOptions & LiveConnectionsOptions & GrpcServerBounds;

/** See {@link createSpiffeGrpcServer}. */
export interface SpiffeGrpcServer {
  /** Listens; port 0 takes a free one. */
  listen(port: number, host?: string): Promise<AddressInfo>;
  /**
   * Takes no new connection and tells each client to send no new call; calls in progress may finish within `graceMs` and
   * are cut off then. Resolves when every connection is closed.
   */
  drain(graceMs: number): Promise<void>;
  /** Closes everything at once. Resolves when it is closed; calling it again is harmless. */
  close(): Promise<void>;
}

/**
 * Puts a `grpc.Server` behind TLS with SPIFFE identity: it presents the source's SVID, requires one of each client and
 * verifies it before HTTP/2 begins. {@link peerOf} gives the peer of a call, in handlers of all kinds and in interceptors.
 *
 * The grpc server stays the caller's: `drain` and `close` end its connections, not its other state.
 *
 * @throws {TypeError} when grpc-js is outside the range that this library was made for.
 * @example
 * const spiffeServer = createSpiffeGrpcServer({ source, authorize: authorizeId(backendId), server });
 * await spiffeServer.listen(9443, '127.0.0.1');
 */
export function createSpiffeGrpcServer(
  options: SpiffeGrpcServerOptions | SpiffeGrpcWebServerOptions,
): SpiffeGrpcServer {
  assertGrpcVersion();
  const resolved = resolveServerOptions(options);
  const connections = new GrpcConnections(options.server, resolved, options);
  const tlsServer = createServer({
    ...serverTlsOptions(presentedNow(resolved), options),
    ALPNProtocols: ['h2'],
  });
  tlsServer.maxConnections = options.maxConnections ?? 1024;
  tlsServer.on('connection', (socket: Socket) => connections.accept(socket));
  guardTlsServer(tlsServer, {
    options: resolved,
    transport: 'grpc',
    alpn: 'h2',
    onVerified: (connection) => connections.add(connection),
  });
  return {
    listen: (port, host = '127.0.0.1') => listen(tlsServer, port, host),
    async drain(graceMs) {
      const closed = stopListening(tlsServer);
      connections.closeGracefully();
      const cancel = resolved.clock.schedule(graceMs, () => connections.destroy());
      await closed;
      cancel();
    },
    async close() {
      const closed = stopListening(tlsServer);
      connections.destroy();
      await closed;
    },
  };
}

async function listen(server: TlsServer, port: number, host: string): Promise<AddressInfo> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.removeListener('error', reject);
      resolve();
    });
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('spiffe-tls: a TCP address was expected');
  return address;
}

/** Resolves when no connection is left. A server that does not listen any more is not an error. */
function stopListening(server: TlsServer): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}

/** The connections of one server: each with an injector of its own, so that each can be closed gracefully by itself. */
class GrpcConnections {
  readonly #server: GrpcServer;
  readonly #live: LiveConnections;
  /** Every TCP connection, those in the middle of a handshake included. */
  readonly #sockets = new Set<Socket>();
  readonly #closers = new Set<() => void>();

  constructor(server: GrpcServer, options: TlsSettings, timing: LiveConnectionsOptions) {
    this.#server = server;
    this.#live = new LiveConnections(options, timing);
  }

  accept(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
  }

  add(connection: VerifiedConnection): void {
    const { socket } = connection;
    const injector = this.#server.createConnectionInjector(ServerCredentials.createInsecure());
    const close = once(() => injector.destroy());
    this.#closers.add(close);
    socket.once('close', () => {
      this.#closers.delete(close);
      close();
    });
    // The end of a connection is HTTP/2's business; without a listener an ECONNRESET would end the process.
    socket.on('error', () => {});
    answerAuthContext(connection);
    this.#live.add(connection, { closeGracefully: close });
    injector.injectConnection(socket);
  }

  closeGracefully(): void {
    for (const close of this.#closers) close();
  }

  destroy(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}

function once(action: () => void): () => void {
  let done = false;
  return () => {
    if (done) return;
    done = true;
    action();
  };
}

/**
 * Lets a call find its connection. grpc-js tells a handler nothing about the socket but its certificate, which it asks for
 * again with each call, at some 60 microseconds: one object, made once, answers faster and is the key to the connection.
 */
function answerAuthContext(connection: VerifiedConnection): void {
  const { socket } = connection;
  const ask = socket.getPeerCertificate.bind(socket);
  let certificate: PeerCertificate | undefined;
  const answer = (detailed?: boolean): PeerCertificate => {
    if (detailed) return ask(true);
    if (certificate === undefined) {
      certificate = ask();
      rememberConnection(certificate, connection);
    }
    return certificate;
  };
  Object.defineProperty(socket, 'getPeerCertificate', { value: answer });
}
