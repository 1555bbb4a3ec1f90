/**
 * What every server of ours does with its `tls.Server`: present the source's SVID of the moment, and judge each peer
 * before anything above TLS sees the connection.
 */
import type { Socket } from 'node:net';
import type { Server, TLSSocket } from 'node:tls';
import { SpiffeTlsError } from './errors.ts';
import { judgePeer, reportRefused } from './judge-peer.ts';
import { endpointsOf, type Transport, toSpiffeTlsError } from './refusal.ts';
import type { TlsSettings } from './spiffe-tls-options.ts';
import { type Presentable, secureContextOptions } from './tls-options.ts';
import type { VerifiedConnection } from './verified-connection.ts';
import { followWebCertificate, presentedBy } from './web-certificate.ts';

/** How a server is guarded. */
export interface TlsListenerOptions {
  readonly options: TlsSettings;
  readonly transport: Transport;
  readonly alpn?: string;
  /** Called for each accepted connection, before the protocol above TLS reads from it. */
  readonly onVerified: (connection: VerifiedConnection) => void;
  /** The same for a client that was not asked for a certificate. Where it is left out there are none. */
  readonly onAnonymous?: (socket: TLSSocket) => void;
}

/**
 * Puts the verdict before every other `secureConnection` listener of a server made with `serverTlsOptions`, and keeps its
 * certificate current while it listens.
 */
export function guardTlsServer(server: Server, listener: TlsListenerOptions): void {
  const { options, transport, alpn, onVerified, onAnonymous } = listener;
  if (options.anonymousClients === true && onAnonymous === undefined) {
    throw new TypeError('spiffe-tls: this server must verify its clients, got "clientCertificate"');
  }
  const judge = { options, role: 'server', transport, ...(alpn !== undefined && { alpn }) } as const;
  server.prependListener('connection', (raw: Socket) => refuseWithoutIdentity(raw, listener));
  server.prependListener('secureConnection', (socket: TLSSocket) => {
    if (options.anonymousClients === true) {
      admitAnonymous(socket, onAnonymous);
      return;
    }
    const connection = judgePeer(socket, judge);
    if (connection !== undefined) onVerified(connection);
  });
  server.on('tlsClientError', (cause, socket) => reportFailedHandshake(cause, socket, listener));
  followSource(server, options);
}

/** What a server presents at the moment, or `undefined` while there is nothing. */
export function presentedNow(options: TlsSettings): Presentable | undefined {
  if (options.webCertificate !== undefined) return presentedBy(options.webCertificate);
  try {
    return options.source.current().svid;
  } catch {
    return undefined;
  }
}

/** Such a connection is in no table, so it has no peer, and no guard lets it through. */
function admitAnonymous(socket: TLSSocket, onAnonymous: TlsListenerOptions['onAnonymous']): void {
  socket.disableRenegotiation();
  // A session can't be resumed with our options. Should it ever be, the client relies on what was true when it began.
  if (socket.isSessionReused()) socket.destroy();
  else onAnonymous?.(socket);
}

/** A server follows the source from its creation, or from `listen()` after a `close()`, until it is closed. */
function followSource(server: Server, options: TlsSettings): void {
  let stop: (() => void) | undefined;
  const follow = () => {
    stop ??= followPresented(options, (presented) => server.setSecureContext(secureContextOptions(presented)));
  };
  follow();
  server.on('listening', () => {
    // All options, each time: setSecureContext resets what it is not given.
    if (stop === undefined) server.setSecureContext(secureContextOptions(presentedNow(options)));
    follow();
  });
  server.on('close', () => {
    stop?.();
    stop = undefined;
  });
}

/** Calls back with each change of what a server presents. */
function followPresented(options: TlsSettings, present: (presented: Presentable | undefined) => void): () => void {
  const { webCertificate } = options;
  if (webCertificate !== undefined) {
    return followWebCertificate(webCertificate, () => present(presentedBy(webCertificate)));
  }
  return options.source.subscribe((event) => {
    // Bundles need no new context: peers are verified by us, and against the source's bundles of the moment.
    if (event.type === 'update' && event.changed.svid) present(event.context.svid);
    if (event.type === 'withdrawn') present(undefined);
  });
}

function refuseWithoutIdentity(raw: Socket, { options, transport }: TlsListenerOptions): void {
  try {
    options.source.current();
  } catch (cause) {
    const endpoints = endpointsOf(raw);
    raw.destroy();
    reportRefused(toSpiffeTlsError(cause), { options, role: 'server', transport }, { ...endpoints, chain: [] });
  }
}

function reportFailedHandshake(cause: Error, socket: TLSSocket, { options, transport }: TlsListenerOptions): void {
  const code = 'code' in cause ? String(cause.code) : cause.message;
  // Somebody who connects and goes away, as a port check does, has not been refused.
  if (code === 'ECONNRESET') return;
  const kind = code.includes('APPLICATION_PROTOCOL') ? 'ALPN_MISMATCH' : 'NOT_VERIFIED';
  const error = new SpiffeTlsError(kind, `tls: the handshake must complete, got ${code}`, {
    expected: options.anonymousClients === true ? 'a TLS 1.3 handshake' : 'a TLS 1.3 handshake with an X.509-SVID',
    got: code,
    cause,
  });
  reportRefused(error, { options, role: 'server', transport }, { ...endpointsOf(socket), chain: [] });
}
