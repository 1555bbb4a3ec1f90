/**
 * The options given to Node's TLS, in one place, because each has a trap: an undefined `ca` means the public web's roots,
 * `setSecureContext` resets what it is not given, and an IP address as server name throws on newer releases.
 */
import { constants } from 'node:crypto';
import { isIP } from 'node:net';
import { type ConnectionOptions, createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls';
import type { X509Svid } from './x509-svid.ts';

/** How long a handshake may take, in milliseconds, before the connection is dropped. */
export const HANDSHAKE_TIMEOUT_MS = 10_000;

/**
 * Everything that a `SecureContext` of ours is made from. Give all of it to each `setSecureContext`.
 *
 * ZERO TRUST: `ca` is empty on purpose. OpenSSL in Node has one store a context and no verify callback, so it can't pick
 * the bundle by the peer's trust domain, and a union of bundles would let one trust domain forge another. Peers are
 * verified by `verifyPeer`, synchronously, before a byte of the protocol above passes.
 */
export function secureContextOptions(svid: X509Svid | undefined): SecureContextOptions {
  const identity = svid === undefined ? {} : { cert: svid.certificatePem, key: svid.privateKeyPem() };
  return { ...identity, ca: [], minVersion: 'TLSv1.3', secureOptions: constants.SSL_OP_NO_TICKET };
}

/** Options of `tls.createServer` and `https.createServer`. Without an SVID the server can't complete a handshake. */
export function serverTlsOptions(svid: X509Svid | undefined, handshakeTimeoutMs = HANDSHAKE_TIMEOUT_MS) {
  return {
    ...secureContextOptions(svid),
    requestCert: true,
    // Not a way past verification: with an empty `ca` OpenSSL would refuse every peer before ours could judge it.
    rejectUnauthorized: false,
    handshakeTimeout: handshakeTimeoutMs,
  };
}

const contexts = new WeakMap<X509Svid, SecureContext>();

/** The client context that presents `svid`, made once for each SVID: it costs up to a millisecond. */
export function clientSecureContext(svid: X509Svid): SecureContext {
  const cached = contexts.get(svid);
  if (cached !== undefined) return cached;
  const context = createSecureContext(secureContextOptions(svid));
  contexts.set(svid, context);
  return context;
}

/** Options of `tls.connect`, without the address. No `checkServerIdentity`: it is not called when OpenSSL does not verify. */
export function clientTlsOptions(
  svid: X509Svid,
  host: string | undefined,
  alpn?: readonly string[],
): ConnectionOptions {
  const servername = serverNameOf(host);
  return {
    secureContext: clientSecureContext(svid),
    // Said outright, so that neither NODE_TLS_REJECT_UNAUTHORIZED nor a default decides; see `ca` above.
    rejectUnauthorized: false,
    ...(servername === undefined ? {} : { servername }),
    ...(alpn === undefined ? {} : { ALPNProtocols: [...alpn] }),
  };
}

/** The name to send as SNI: none for an IP address, which RFC 6066 does not allow there. The name plays no part in verification. */
export function serverNameOf(host: string | undefined): string | undefined {
  if (host === undefined || host === '') return undefined;
  const bare = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
  return isIP(bare.split('%', 1)[0] ?? bare) === 0 ? bare : undefined;
}
