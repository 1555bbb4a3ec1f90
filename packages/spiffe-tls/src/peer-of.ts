/**
 * The verified peer of a request, a socket or a gRPC call.
 */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Peer } from './peer.ts';
import { findConnection, type VerifiedConnection } from './verified-connection.ts';

/** The part of a gRPC server call, in a handler of any kind or in a server interceptor, that tells its connection. */
export interface AuthContextCarrier {
  getAuthContext(): { readonly sslPeerCertificate?: object };
}

/** Whatever a peer can be asked for: an HTTP request, a socket, or a gRPC call. */
export type PeerCarrier = Pick<IncomingMessage, 'socket'> | Socket | AuthContextCarrier;

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
  if (direct !== undefined || !('socket' in carrier)) return direct;
  return carrier.socket ? findConnection(carrier.socket) : undefined;
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
