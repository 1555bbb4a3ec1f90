/**
 * What every server of ours does with its `tls.Server`: present the source's SVID of the moment, and judge each peer
 * before anything above TLS sees the connection.
 */
import type { Socket } from 'node:net';
import type { Server, TLSSocket } from 'node:tls';
import { SpiffeTlsError } from './errors.ts';
import { judgePeer, reportRefused } from './judge-peer.ts';
import { endpointsOf, type Transport, toSpiffeTlsError } from './refusal.ts';
import type { ResolvedSpiffeTlsOptions } from './spiffe-tls-options.ts';
import { secureContextOptions } from './tls-options.ts';
import type { VerifiedConnection } from './verified-connection.ts';
import type { X509Svid } from './x509-svid.ts';

/** How a server is guarded. */
export interface TlsListenerOptions {
  readonly options: ResolvedSpiffeTlsOptions;
  readonly transport: Transport;
  readonly alpn?: string;
  /** Called for each accepted connection, before the protocol above TLS reads from it. */
  readonly onVerified: (connection: VerifiedConnection) => void;
}

/**
 * Puts the verdict before every other `secureConnection` listener of a server made with `serverTlsOptions`, and keeps its
 * certificate current while it listens.
 */
export function guardTlsServer(server: Server, listener: TlsListenerOptions): void {
  const { options, transport, alpn, onVerified } = listener;
  const judge = { options, role: 'server', transport, ...(alpn !== undefined && { alpn }) } as const;
  server.prependListener('connection', (raw: Socket) => refuseWithoutIdentity(raw, listener));
  server.prependListener('secureConnection', (socket: TLSSocket) => {
    const connection = judgePeer(socket, judge);
    if (connection !== undefined) onVerified(connection);
  });
  server.on('tlsClientError', (cause, socket) => reportFailedHandshake(cause, socket, listener));
  followSource(server, options);
}

/** The SVID of the moment, or `undefined` while there is none. */
export function currentSvid(options: ResolvedSpiffeTlsOptions): X509Svid | undefined {
  try {
    return options.source.current().svid;
  } catch {
    return undefined;
  }
}

/** A server follows the source from its creation, or from `listen()` after a `close()`, until it is closed. */
function followSource(server: Server, options: ResolvedSpiffeTlsOptions): void {
  let stop: (() => void) | undefined;
  const follow = () => {
    stop ??= options.source.subscribe((event) => {
      // Bundles need no new context: peers are verified by us, and against the source's bundles of the moment.
      if (event.type === 'update' && event.changed.svid) present(server, event.context.svid);
      if (event.type === 'withdrawn') present(server, undefined);
    });
  };
  follow();
  server.on('listening', () => {
    if (stop === undefined) present(server, currentSvid(options));
    follow();
  });
  server.on('close', () => {
    stop?.();
    stop = undefined;
  });
}

function present(server: Server, svid: X509Svid | undefined): void {
  // All options, each time: setSecureContext resets what it is not given.
  server.setSecureContext(secureContextOptions(svid));
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
    expected: 'a TLS 1.3 handshake with an X.509-SVID',
    got: code,
    cause,
  });
  reportRefused(error, { options, role: 'server', transport }, { ...endpointsOf(socket), chain: [] });
}
