/**
 * What every client of ours does: connect with the source's SVID of the moment and judge the server in the first
 * `secureConnect` listener. Bytes that a caller wrote early wait in the socket until then, and a socket that is destroyed
 * in that very tick never sends them.
 *
 * One path for all authorizers, on purpose. OpenSSL could verify as well where a single trust domain is expected, but its
 * refusal would come first and without the reason: no expected ID, no got, no record.
 */
import type { Socket } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import { SpiffeTlsError } from './errors.ts';
import { judgePeer } from './judge-peer.ts';
import { judgeWebServer } from './judge-web-server.ts';
import type { Transport } from './refusal.ts';
import type { TlsSettings } from './spiffe-tls-options.ts';
import { clientTlsOptions, HANDSHAKE_TIMEOUT_MS } from './tls-options.ts';
import type { VerifiedConnection } from './verified-connection.ts';

/** Where to connect, and as what. */
export interface DialOptions {
  readonly options: TlsSettings;
  readonly transport: Transport;
  /** Name or IP address of the server: where to connect to, and what to send as SNI if it is a name. */
  readonly host: string;
  readonly port?: number;
  /** The name to send as SNI instead of `host`. It plays no part in verification. */
  readonly serverName?: string;
  /** A connected socket to use instead. */
  readonly socket?: Socket;
  /** The application protocol that the server must agree on. */
  readonly alpn?: string;
  /** More options for `tls.connect`, such as `localAddress`. What this library decides can't be overridden. */
  readonly extra?: object;
  /** Called when the server is accepted, before a byte of the protocol above TLS is sent. */
  readonly onVerified: (connection: VerifiedConnection) => void;
  /** The same where the server has a web certificate: no SPIFFE ID, so no peer. Where it is left out there are none. */
  readonly onWebServer?: () => void;
}

/**
 * Connects. A server that is refused ends the socket with the `SpiffeTlsError` as its `error` event.
 * @throws {SpiffeTlsError} when the source has no identity to present.
 */
export function dial(dialing: DialOptions): TLSSocket {
  const { options, transport, host, port, socket: underlying, alpn, extra, onVerified } = dialing;
  const { svid } = options.source.current();
  const socket = connect({
    ...extra,
    ...clientTlsOptions(svid, {
      host: dialing.serverName ?? host,
      alpn: alpn === undefined ? undefined : [alpn],
      webRoots: options.webRoots,
    }),
    host,
    ...(port !== undefined && { port }),
    ...(underlying !== undefined && { socket: underlying }),
  });
  if (alpn === 'h2') socket.once('secureConnect', () => closeWhenBroken(socket));
  if (options.webRoots !== undefined) judgeWebServer(socket, dialing);
  else {
    const own = { ...(svid !== undefined && { svid }), ...(alpn !== undefined && { alpn }) };
    const judge = { options, role: 'client', transport, ...own } as const;
    socket.prependOnceListener('secureConnect', () => {
      const connection = judgePeer(socket, judge);
      if (connection !== undefined) onVerified(connection);
    });
  }
  limitHandshake(socket, options);
  return socket;
}

/**
 * A record that can't be decrypted, or the server's alert that ours could not, ends an HTTP/2 session without one event of
 * session or socket: a client would hold on to the dead connection for good. Node's event of the TLS layer is the only one.
 */
function closeWhenBroken(socket: TLSSocket): void {
  socket.on('_tlsError', () => socket.destroy());
}

/** Neither Node nor grpc-js bounds the time that a client waits for a handshake. */
function limitHandshake(socket: TLSSocket, { clock }: TlsSettings): void {
  const cancel = clock.schedule(HANDSHAKE_TIMEOUT_MS, () => {
    const expected = `a TLS handshake within ${HANDSHAKE_TIMEOUT_MS} ms`;
    socket.destroy(
      new SpiffeTlsError('NOT_VERIFIED', `tls: the server must complete ${expected}`, { expected, got: 'none' }),
    );
  });
  socket.once('secureConnect', cancel);
  socket.once('close', cancel);
}
