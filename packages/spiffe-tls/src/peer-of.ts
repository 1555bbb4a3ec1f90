/**
 * The verified peer of a request, a socket or a gRPC call.
 */
import type { IncomingMessage } from 'node:http';
import type { Http2ServerRequest, Http2Session, Http2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import type { Peer } from './peer.ts';
import { findConnection, type VerifiedConnection } from './verified-connection.ts';

/** The part of a gRPC server call, in a handler of any kind or in a server interceptor, that tells its connection. */
export interface AuthContextCarrier {
  getAuthContext(): { readonly sslPeerCertificate?: object };
}

/** What belongs to an HTTP/2 session: a request, a stream, or the session itself, of a server or a client. */
export type Http2Carrier = Pick<Http2ServerRequest, 'stream'> | Pick<Http2Stream, 'session'> | Http2Session;

/** Whatever a peer can be asked for: an HTTP request, a socket, or a gRPC call. */
export type PeerCarrier = Pick<IncomingMessage, 'socket'> | Socket | AuthContextCarrier | Http2Carrier;

/**
 * The peer whose X.509-SVID was verified on the connection that carries this request.
 *
 * `undefined` when the connection was not verified, or is no longer: the peer's SVID has expired, its bundle is gone, or
 * the own identity was withdrawn. A guard answers 401 or UNAUTHENTICATED then.
 *
 * @example
 * const peer = peerOf(request);
 * if (peer === undefined) return response.writeHead(401).end();
 */
export function peerOf(carrier: PeerCarrier): Peer | undefined {
  return connectionOf(carrier)?.peer;
}

/** The verified connection behind a carrier; its own peer may be gone. */
export function connectionOf(carrier: PeerCarrier): VerifiedConnection | undefined {
  if ('getAuthContext' in carrier) return ofCall(carrier);
  const direct = findConnection(carrier);
  if (direct !== undefined) return direct;
  // A request of HTTP/2 has a `socket` too, but that is a proxy, which no table knows.
  if ('stream' in carrier) return ofSession(carrier.stream.session);
  if ('session' in carrier) return ofSession(carrier.session);
  return 'socket' in carrier && carrier.socket ? findConnection(carrier.socket) : undefined;
}

/** A stream that has ended has no session any more. */
function ofSession(session: Http2Session | undefined): VerifiedConnection | undefined {
  return session === undefined ? undefined : findConnection(session);
}

function ofCall(call: AuthContextCarrier): VerifiedConnection | undefined {
  try {
    const certificate = call.getAuthContext().sslPeerCertificate;
    return certificate === undefined ? undefined : findConnection(certificate);
  } catch {
    // A call whose session is destroyed has no socket to ask any more.
    return undefined;
  }
}
