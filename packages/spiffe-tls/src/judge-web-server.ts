/**
 * The verdict over a server with a web certificate. OpenSSL and Node give it, by chain and host name, before `secureConnect`;
 * here it is asked for once more, and a refusal becomes a record like any other.
 */
import type { TLSSocket } from 'node:tls';
import { quote, SpiffeTlsError } from './errors.ts';
import { reportRefused } from './judge-peer.ts';
import { endpointsOf } from './refusal.ts';
import type { DialOptions } from './tls-dialer.ts';

const EXPECTED = 'a certificate of the given authorities for the host name';

/** Calls `onWebServer` when the server is accepted. A refused one ends the socket: with Node's own error, or with ours. */
export function judgeWebServer(socket: TLSSocket, { options, transport, alpn, onWebServer }: DialOptions): void {
  const report = (error: SpiffeTlsError, endpoints: ReturnType<typeof endpointsOf>) =>
    reportRefused(error, { options, role: 'client', transport }, { ...endpoints, chain: [] });
  const onError = (cause: Error) => {
    // Only where there was a verdict: a connection that could not be made has not been refused.
    if (socket.authorizationError) report(notVerified(textOf(cause), cause), endpointsOf(socket));
  };
  socket.once('error', onError);
  socket.prependOnceListener('secureConnect', () => {
    socket.off('error', onError);
    const wrong = whatIsWrong(socket, alpn);
    if (wrong === undefined) {
      socket.disableRenegotiation();
      onWebServer?.();
      return;
    }
    const endpoints = endpointsOf(socket);
    // ZERO TRUST: in the very tick of the handshake, so that nothing written early is sent.
    socket.destroy(wrong);
    report(wrong, endpoints);
  });
}

function whatIsWrong(socket: TLSSocket, alpn: string | undefined): SpiffeTlsError | undefined {
  if (!socket.authorized) return notVerified(quote(String(socket.authorizationError)));
  if (socket.isSessionReused())
    return new SpiffeTlsError('SESSION_RESUMED', 'tls: a connection must do a full handshake');
  if (alpn !== undefined && socket.alpnProtocol !== alpn) {
    return new SpiffeTlsError('ALPN_MISMATCH', `tls: application protocol must be ${quote(alpn)}`);
  }
  return undefined;
}

function notVerified(got: string, cause?: Error): SpiffeTlsError {
  return new SpiffeTlsError('NOT_VERIFIED', `tls: the server must present ${EXPECTED}, got ${got}`, {
    expected: EXPECTED,
    got,
    ...(cause !== undefined && { cause }),
  });
}

function textOf(cause: Error): string {
  return quote('code' in cause ? String(cause.code) : cause.message);
}
