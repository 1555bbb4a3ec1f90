/**
 * The verdict over a peer, right after the handshake and in the same tick: no `await` and no timer may stand between the
 * handshake and this, or bytes pass before it.
 */
import type { TLSSocket } from 'node:tls';
import { parseCertificate } from './certificate.ts';
import { quote, SpiffeTlsError } from './errors.ts';
import {
  type Endpoints,
  endpointsOf,
  refusalOf,
  reportRefusal,
  reportVerified,
  type Transport,
  toSpiffeTlsError,
} from './refusal.ts';
import type { TlsSettings } from './spiffe-tls-options.ts';
import { rememberConnection, VerifiedConnection } from './verified-connection.ts';
import { verifyPeer } from './verify-peer.ts';
import type { X509Svid } from './x509-svid.ts';

/** One more than any chain may have, so that the verifier sees that it is too long. */
const MAX_CERTIFICATES_READ = 11;

/** What a verdict is about. */
export interface JudgeOptions {
  readonly options: TlsSettings;
  /** Our side of the connection. */
  readonly role: 'server' | 'client';
  readonly transport: Transport;
  /** The application protocol that must have been agreed on; none is asked for when left out. */
  readonly alpn?: string;
  /** The SVID that we presented. Default: the source's present one. */
  readonly svid?: X509Svid;
}

/**
 * Accepts the peer and returns the connection, or destroys the socket, reports the refusal and returns `undefined`. A
 * client's socket is destroyed with the error, so that whoever waits for it learns why. Never throws for what a peer sent.
 */
export function judgePeer(socket: TLSSocket, judge: JudgeOptions): VerifiedConnection | undefined {
  const endpoints = endpointsOf(socket);
  let chain: readonly Uint8Array[] = [];
  try {
    chain = sentChain(socket);
    const connection = verifyConnection(socket, chain, judge);
    accept(connection, endpoints);
    return connection;
  } catch (cause) {
    const error = toSpiffeTlsError(cause);
    // ZERO TRUST: first the socket, synchronously, then everything that only tells about it.
    socket.destroy(judge.role === 'client' ? error : undefined);
    reportRefused(error, judge, { ...endpoints, chain });
    return undefined;
  }
}

function verifyConnection(socket: TLSSocket, chain: readonly Uint8Array[], judge: JudgeOptions): VerifiedConnection {
  const { options, role, transport } = judge;
  if (socket.isSessionReused()) {
    // A resumed session shows no chain, and the peer would be judged by what was true when the session began.
    throw new SpiffeTlsError('SESSION_RESUMED', 'tls: a connection must do a full handshake, got a resumed session', {
      expected: 'a full handshake',
      got: 'a resumed session',
    });
  }
  checkAlpn(socket, judge.alpn);
  if (chain.length === 0) {
    throw new SpiffeTlsError('NO_PEER_CERTIFICATE', 'peer: must present an X.509-SVID, got no certificate', {
      expected: 'an X.509-SVID',
      got: 'no certificate',
    });
  }
  const context = options.source.current();
  const peer = verifyPeer({
    chain,
    role: role === 'server' ? 'client' : 'server',
    bundles: context.bundles,
    nowMs: options.clock.now(),
    authorize: options.authorize,
    ...(options.trustDomains && { trustDomains: options.trustDomains }),
  });
  // What was presented: with a web certificate, or nothing, there is no own SVID on this connection.
  const svid = judge.svid ?? context.svid;
  const self = svid === undefined ? {} : { self: svid.id.toString(), selfSerial: svid.leaf.serialNumber };
  return new VerifiedConnection({ socket, role, transport, chain, ...self, peer, clock: options.clock });
}

function checkAlpn(socket: TLSSocket, alpn: string | undefined): void {
  if (alpn === undefined || socket.alpnProtocol === alpn) return;
  const got = socket.alpnProtocol ? quote(socket.alpnProtocol) : 'none';
  throw new SpiffeTlsError('ALPN_MISMATCH', `tls: application protocol must be ${quote(alpn)}, got ${got}`, {
    expected: quote(alpn),
    got,
  });
}

/**
 * The certificates in the order sent. Reads `getPeerX509Certificate` exactly once for each socket, because its first call
 * empties what later calls see.
 */
export function sentChain(socket: TLSSocket): Uint8Array[] {
  const chain: Uint8Array[] = [];
  let next = socket.getPeerX509Certificate();
  while (next !== undefined && chain.length < MAX_CERTIFICATES_READ) {
    chain.push(next.raw);
    next = next.issuerCertificate;
  }
  return chain;
}

function accept(connection: VerifiedConnection, endpoints: Endpoints): void {
  const { socket, role, transport, self, selfSerial, peerAtHandshake: peer } = connection;
  const own = { ...(self !== undefined && { self }), ...(selfSerial !== undefined && { selfSerial }) };
  socket.disableRenegotiation();
  // Express, grpc-js and others ask the socket, and OpenSSL, which was given no roots, said no.
  Object.assign(socket, { authorized: true, authorizationError: null });
  rememberConnection(socket, connection);
  reportVerified(() => ({ role, transport, ...own, peer, ...endpoints }));
}

/** Reports a refusal with the ID that the certificate claims, as far as it can be read. */
export function reportRefused(
  error: SpiffeTlsError,
  judge: Pick<JudgeOptions, 'options' | 'role' | 'transport'>,
  facts: Endpoints & { readonly chain: readonly Uint8Array[] },
): void {
  const { chain, ...endpoints } = facts;
  const self = ownIdOf(judge.options);
  const peerId = claimedIdOf(chain[0]);
  const { role, transport } = judge;
  const ids = { ...(self !== undefined && { self }), ...(peerId !== undefined && { peerId }) };
  const record = refusalOf(error, { role, transport, nowMs: judge.options.clock.now(), ...endpoints, ...ids });
  reportRefusal(record, judge.options.onRefused);
}

function ownIdOf(options: TlsSettings): string | undefined {
  try {
    return options.source.current().svid?.id.toString();
  } catch {
    return undefined;
  }
}

const MAX_ID_LENGTH = 2048;

function claimedIdOf(leaf: Uint8Array | undefined): string | undefined {
  if (leaf === undefined) return undefined;
  try {
    const { uriSans } = parseCertificate(leaf);
    return uriSans.length === 1 ? uriSans[0]?.slice(0, MAX_ID_LENGTH) : undefined;
  } catch {
    return undefined;
  }
}
