/**
 * The `ssl` object for `pg`, which copies it for each connection: its getter gives every connection the SVID and bundles
 * of the moment.
 *
 * `pg` sends its first message as soon as TLS is up and leaves no room for a listener of ours, so the verdict is
 * `checkServerIdentity`. Node only asks that when OpenSSL has verified the chain: here, and only here, OpenSSL gets the
 * bundles and is a first lock. Theirs is a union; ours, the second, asks the bundle of the server's own trust domain.
 */
import { createSecureContext, type DetailedPeerCertificate, type SecureContext } from 'node:tls';
import { SpiffeTlsError, type SpiffeTlsErrorCode } from './errors.ts';
import { reportRefused } from './judge-peer.ts';
import type { Peer } from './peer.ts';
import { type Endpoint, reportVerified, toSpiffeTlsError } from './refusal.ts';
import type { ResolvedSpiffeTlsOptions } from './spiffe-tls-options.ts';
import { secureContextOptions } from './tls-options.ts';
import { verifyPeer } from './verify-peer.ts';
import type { X509Context } from './x509-source.ts';

/** A server that was verified: what is needed to verify it again. */
export interface VerifiedServer {
  readonly peer: Peer;
  readonly chain: readonly Uint8Array[];
}

/** How the `ssl` object decides and whom it tells. */
export interface PgSslOptions {
  readonly options: ResolvedSpiffeTlsOptions;
  readonly remote: Endpoint | undefined;
  /** Called with each accepted server, before a byte of PostgreSQL's protocol is sent. */
  readonly onVerified: (server: VerifiedServer) => void;
}

/** What `pg` is given as `ssl`. */
export interface PgSsl {
  readonly rejectUnauthorized: true;
  readonly secureContext: SecureContext;
  checkServerIdentity(host: string, certificate: DetailedPeerCertificate): Error | undefined;
}

/** Makes the `ssl` object. Every property is enumerable, or `pg` would not copy it. */
export function createPgSsl(ssl: PgSslOptions): PgSsl {
  const context = new ContextOfTheMoment(ssl.options);
  return {
    // Said outright: NODE_TLS_REJECT_UNAUTHORIZED must not decide.
    rejectUnauthorized: true,
    get secureContext() {
      return context.get();
    },
    checkServerIdentity: (_host, certificate) => judgeServer(certificate, ssl),
  };
}

const MAX_CERTIFICATES_READ = 11;

function judgeServer(certificate: DetailedPeerCertificate, ssl: PgSslOptions): Error | undefined {
  const { options, remote, onVerified } = ssl;
  const chain = chainOf(certificate);
  try {
    const server = { chain, peer: verifyServer(chain, options, options.source.current()) };
    const { svid } = options.source.current();
    onVerified(server);
    const self = { self: svid.id.toString(), selfSerial: svid.leaf.serialNumber };
    reportVerified(() => ({
      role: 'client',
      transport: 'postgres',
      ...self,
      peer: server.peer,
      ...(remote && { remote }),
    }));
    return undefined;
  } catch (cause) {
    const error = toSpiffeTlsError(cause);
    reportRefused(error, { options, role: 'client', transport: 'postgres' }, { chain, ...(remote && { remote }) });
    return error;
  }
}

/**
 * Verifies a PostgreSQL server's chain.
 * @throws {SpiffeTlsError} as `verifyPeer` does.
 */
export function verifyServer(
  chain: readonly Uint8Array[],
  options: ResolvedSpiffeTlsOptions,
  context: X509Context,
): Peer {
  return verifyPeer({
    chain,
    role: 'server',
    bundles: context.bundles,
    nowMs: options.clock.now(),
    authorize: options.authorize,
    ...(options.trustDomains && { trustDomains: options.trustDomains }),
  });
}

function chainOf(certificate: DetailedPeerCertificate): Uint8Array[] {
  const chain: Uint8Array[] = [];
  let next: DetailedPeerCertificate | undefined = certificate;
  while (next?.raw !== undefined && chain.length < MAX_CERTIFICATES_READ) {
    chain.push(next.raw);
    // A self-signed certificate is its own issuer.
    next = next.issuerCertificate === next ? undefined : next.issuerCertificate;
  }
  return chain;
}

/** One context for each snapshot of the source: making one costs up to a millisecond. */
class ContextOfTheMoment {
  readonly #options: ResolvedSpiffeTlsOptions;
  #made: { readonly from: X509Context; readonly secureContext: SecureContext } | undefined;

  constructor(options: ResolvedSpiffeTlsOptions) {
    this.#options = options;
  }

  /** Never throws: `pg` reads it where nothing would catch. Without an identity the context trusts nobody, so TLS fails. */
  get(): SecureContext {
    const from = presentContext(this.#options);
    if (from === undefined) return createSecureContext(secureContextOptions(undefined));
    if (this.#made?.from === from) return this.#made.secureContext;
    const secureContext = createSecureContext({
      ...secureContextOptions(from.svid),
      ca: anchors(from, this.#options),
      // SPIFFE: a trust anchor need not be self-signed.
      allowPartialTrustChain: true,
    });
    this.#made = { from, secureContext };
    return secureContext;
  }
}

function presentContext(options: ResolvedSpiffeTlsOptions): X509Context | undefined {
  try {
    return options.source.current();
  } catch {
    return undefined;
  }
}

/** The CAs of every trust domain that a server may belong to; an empty list trusts nobody. */
function anchors({ bundles }: X509Context, { trustDomains }: ResolvedSpiffeTlsOptions): string[] {
  return (trustDomains ?? bundles.trustDomains()).flatMap((trustDomain) => {
    const pem = bundles.get(trustDomain)?.toPem() ?? '';
    return pem === '' ? [] : [pem];
  });
}

const OPENSSL_CODES: Readonly<Record<string, SpiffeTlsErrorCode>> = {
  CERT_HAS_EXPIRED: 'EXPIRED',
  CERT_NOT_YET_VALID: 'NOT_YET_VALID',
  INVALID_PURPOSE: 'EXTENDED_KEY_USAGE',
  CERT_SIGNATURE_FAILURE: 'UNTRUSTED_CHAIN',
  CERT_UNTRUSTED: 'UNTRUSTED_CHAIN',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'UNTRUSTED_CHAIN',
  INVALID_CA: 'UNTRUSTED_CHAIN',
  PATH_LENGTH_EXCEEDED: 'UNTRUSTED_CHAIN',
  SELF_SIGNED_CERT_IN_CHAIN: 'UNTRUSTED_CHAIN',
  UNABLE_TO_GET_ISSUER_CERT: 'UNTRUSTED_CHAIN',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'UNTRUSTED_CHAIN',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'UNTRUSTED_CHAIN',
};

/**
 * Turns the refusal of the first lock into ours and reports it; other errors pass as they are. Without an identity that is
 * the reason, whatever OpenSSL said.
 */
export function explainConnectError(error: unknown, { options, remote }: Omit<PgSslOptions, 'onVerified'>): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const ours = OPENSSL_CODES[code];
  if (ours === undefined) return error;
  const refused = withoutIdentity(options) ?? openSslRefusal(ours, code, error);
  reportRefused(refused, { options, role: 'client', transport: 'postgres' }, { chain: [], ...(remote && { remote }) });
  return refused;
}

function openSslRefusal(code: SpiffeTlsErrorCode, got: string, cause: unknown): SpiffeTlsError {
  const expected = 'an X.509-SVID that chains to the bundle of its trust domain';
  return new SpiffeTlsError(code, `peer: expected ${expected}, got ${got}`, { expected, got, cause });
}

/** Why there is no identity, or `undefined` if there is one. */
export function withoutIdentity(options: ResolvedSpiffeTlsOptions): SpiffeTlsError | undefined {
  try {
    options.source.current();
    return undefined;
  } catch (error) {
    return toSpiffeTlsError(error);
  }
}
