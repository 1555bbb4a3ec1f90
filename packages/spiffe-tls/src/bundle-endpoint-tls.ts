/**
 * The two ways to authenticate a bundle endpoint (Federation 5.2): by the web's authorities and a DNS name, or by the SPIFFE
 * ID of the server. Which one applies is always said, never inferred, and neither falls back to the other.
 */
import { constants } from 'node:crypto';
import type { Socket } from 'node:net';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { authorizeId } from './authorizers.ts';
import { SpiffeTlsError } from './errors.ts';
import { sentChain } from './judge-peer.ts';
import { toSpiffeTlsError } from './refusal.ts';
import type { SpiffeId } from './spiffe-id.ts';
import { serverNameOf } from './tls-options.ts';
import { verifyPeer } from './verify-peer.ts';
import type { X509BundleSource } from './x509-bundle.ts';

/** How a bundle endpoint proves who it is. */
export type BundleEndpointProfile =
  | {
      /** By a certificate of the web's authorities, for the host of the URL. */
      readonly type: 'https_web';
      /** PEM authorities to accept instead of those of Node. */
      readonly ca?: string | readonly string[];
    }
  | {
      /** By an X.509-SVID with exactly this SPIFFE ID. The host name plays no part. */
      readonly type: 'https_spiffe';
      readonly endpointId: SpiffeId;
    };

/** What {@link connectToBundleEndpoint} needs. */
export interface BundleEndpointConnection {
  readonly url: URL;
  readonly profile: BundleEndpointProfile;
  /** What an `https_spiffe` endpoint's SVID is verified against. */
  readonly bundles: X509BundleSource;
  readonly nowMs: number;
}

/** Connects. A server that is not who it has to be ends the socket with an error before a byte of HTTP is sent. */
export function connectToBundleEndpoint(connection: BundleEndpointConnection): Socket {
  const { url, profile } = connection;
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const servername = serverNameOf(host);
  const options: ConnectionOptions = {
    host,
    port: url.port === '' ? 443 : Number(url.port),
    minVersion: 'TLSv1.2',
    ALPNProtocols: ['http/1.1'],
    secureOptions: constants.SSL_OP_NO_TICKET,
    ...(servername !== undefined && { servername }),
  };
  if (profile.type === 'https_spiffe') return connectBySpiffeId(options, profile.endpointId, connection);
  const { ca } = profile;
  // Said outright, so that NODE_TLS_REJECT_UNAUTHORIZED does not decide. Without `ca` Node takes the web's authorities.
  return connect({ ...options, rejectUnauthorized: true, ...(ca !== undefined && { ca: [ca].flat() }) });
}

function connectBySpiffeId(
  options: ConnectionOptions,
  endpointId: SpiffeId,
  { bundles, nowMs }: BundleEndpointConnection,
): Socket {
  // OpenSSL is given no roots and told not to judge: it can't verify a SPIFFE ID. The listener below does, before any other.
  const socket = connect({ ...options, ca: [], rejectUnauthorized: false });
  socket.prependOnceListener('secureConnect', () => {
    try {
      verifyEndpoint(socket, endpointId, { bundles, nowMs });
      socket.disableRenegotiation();
    } catch (cause) {
      // ZERO TRUST: in the very tick of the handshake. The request waits in the socket and is never sent.
      socket.destroy(toSpiffeTlsError(cause));
    }
  });
  return socket;
}

function verifyEndpoint(
  socket: TLSSocket,
  endpointId: SpiffeId,
  { bundles, nowMs }: Pick<BundleEndpointConnection, 'bundles' | 'nowMs'>,
): void {
  if (socket.isSessionReused()) {
    throw new SpiffeTlsError('SESSION_RESUMED', 'bundle endpoint: a connection must do a full handshake');
  }
  verifyPeer({ chain: sentChain(socket), role: 'server', bundles, nowMs, authorize: authorizeId(endpointId) });
}
