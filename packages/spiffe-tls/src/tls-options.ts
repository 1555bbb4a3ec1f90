/**
 * The options given to Node's TLS, in one place, because each has a trap: an undefined `ca` means the public web's roots,
 * `setSecureContext` resets what it is not given, and an IP address as server name throws on newer releases.
 */
import { constants, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { type ConnectionOptions, createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls';
import type { X509Svid } from './x509-svid.ts';

/** How long a handshake may take, in milliseconds, before the connection is dropped. */
export const HANDSHAKE_TIMEOUT_MS = 10_000;

/** A certificate to show with its key: an X.509-SVID, or a web certificate. */
export interface Presentable {
  readonly certificatePem: string;
  privateKeyPem(): string;
}

/**
 * Everything that a `SecureContext` of ours is made from. Give all of it to each `setSecureContext`.
 *
 * ZERO TRUST: `ca` is empty on purpose. OpenSSL in Node has one store a context and no verify callback, so it can't pick
 * the bundle by the peer's trust domain, and a union of bundles would let one trust domain forge another. Peers are
 * verified by `verifyPeer`, synchronously, before a byte of the protocol above passes.
 */
export function secureContextOptions(presented: Presentable | undefined): SecureContextOptions {
  const identity = presented === undefined ? {} : { cert: presented.certificatePem, key: presented.privateKeyPem() };
  return { ...identity, ca: [], minVersion: 'TLSv1.3', secureOptions: constants.SSL_OP_NO_TICKET };
}

/** How a server shakes hands. */
export interface ServerHandshake {
  readonly handshakeTimeoutMs?: number | undefined;
  /** Clients are not asked for a certificate. */
  readonly anonymousClients?: boolean | undefined;
}

/** Options of `tls.createServer` and `https.createServer`. Without a certificate the server can't complete a handshake. */
export function serverTlsOptions(presented: Presentable | undefined, handshake: ServerHandshake = {}) {
  return {
    ...secureContextOptions(presented),
    requestCert: handshake.anonymousClients !== true,
    // Not a way past verification: with an empty `ca` OpenSSL would refuse every peer before ours could judge it.
    rejectUnauthorized: false,
    handshakeTimeout: handshake.handshakeTimeoutMs ?? HANDSHAKE_TIMEOUT_MS,
  };
}

const contexts = new WeakMap<X509Svid, SecureContext>();
let presentsNothing: SecureContext | undefined;

/** The client context that presents `svid`, or nothing, made once for each SVID: it costs up to a millisecond. */
export function clientSecureContext(svid: X509Svid | undefined): SecureContext {
  if (svid === undefined) {
    presentsNothing ??= createSecureContext(secureContextOptions(undefined));
    return presentsNothing;
  }
  const cached = contexts.get(svid);
  if (cached !== undefined) return cached;
  const context = createSecureContext(secureContextOptions(svid));
  contexts.set(svid, context);
  return context;
}

/** Authorities of the web, and contexts that trust them. */
export interface WebRoots {
  contextFor(svid: X509Svid | undefined): SecureContext;
}

/**
 * Authorities that a server with a web certificate is verified by.
 * @throws {TypeError} for no authorities, or text that is no certificate: an empty list is not "Node's own".
 */
export function createWebRoots(ca: 'node-default' | string | readonly string[]): WebRoots {
  const roots = ca === 'node-default' ? undefined : [ca].flat();
  checkRoots(roots);
  const made = new WeakMap<X509Svid, SecureContext>();
  return {
    contextFor(svid) {
      if (svid === undefined) throw new TypeError('spiffe-tls: a client of a web server must have an SVID to present');
      const cached = made.get(svid);
      if (cached !== undefined) return cached;
      const { ca: _, ...options } = secureContextOptions(svid);
      const context = createSecureContext(roots === undefined ? options : { ...options, ca: roots });
      made.set(svid, context);
      return context;
    },
  };
}

function checkRoots(roots: readonly string[] | undefined): void {
  const rule = 'spiffe-tls: "webServer.ca" must be "node-default" or certificates in PEM';
  if (roots?.length === 0) throw new TypeError(`${rule}, got an empty list`);
  for (const root of roots ?? []) {
    try {
      new X509Certificate(root);
    } catch (cause) {
      throw new TypeError(`${rule}, got something else`, { cause });
    }
  }
}

/** How a client shakes hands. */
export interface ClientHandshake {
  /** Where it connects to, or the name to send instead. */
  readonly host?: string | undefined;
  readonly alpn?: readonly string[] | undefined;
  /** Verifies the server by these and by its host name. Without them OpenSSL judges nothing, and `judgePeer` must. */
  readonly webRoots?: WebRoots | undefined;
}

/**
 * Options of `tls.connect`, without the address. No `checkServerIdentity`: it is not called when OpenSSL does not verify, and
 * where it does, Node's own compares the host name.
 */
export function clientTlsOptions(svid: X509Svid | undefined, handshake: ClientHandshake = {}): ConnectionOptions {
  const { host, alpn, webRoots } = handshake;
  const servername = serverNameOf(host);
  return {
    secureContext: webRoots === undefined ? clientSecureContext(svid) : webRoots.contextFor(svid),
    // Said outright, so that neither NODE_TLS_REJECT_UNAUTHORIZED nor a default decides; see `ca` above.
    rejectUnauthorized: webRoots !== undefined,
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
