/**
 * The verdict on a peer: pure and synchronous, so that it falls before a byte of the application's is read or sent. Anything
 * asynchronous between the handshake and the verdict would leak whatever was written meanwhile.
 */
import { MAX_CHAIN_BYTES, type ParsedCertificate, parseCertificate, tooLarge } from './certificate.ts';
import { findCertificationPath } from './certification-path.ts';
import { quote, refusal, SpiffeTlsError } from './errors.ts';
import type { Authorizer, Peer } from './peer.ts';
import type { SpiffeId } from './spiffe-id.ts';
import type { TrustDomain } from './trust-domain.ts';
import type { X509Bundle, X509BundleSource } from './x509-bundle.ts';
import { MAX_CHAIN_LENGTH } from './x509-svid.ts';
import { checkLeafRules, spiffeIdOf, type TlsRole } from './x509-svid-rules.ts';

const AREA = 'peer';

/** Said to whoever meets a peer of a foreign trust domain: there is no falling back to another bundle. */
export const HOW_TO_FEDERATE =
  "to trust a foreign one, federate with it: in the registration (SPIRE's federatesWith) or by createBundleFederation";

/** What {@link verifyX509Svid} needs. */
export interface VerifyX509SvidInput {
  /** DER certificates as the peer sent them, leaf first. */
  readonly chain: readonly Uint8Array[];
  /** Bundles by trust domain. Only that of the peer's own trust domain is looked at. */
  readonly bundles: X509BundleSource;
  /** The time to judge by, in milliseconds since the epoch. */
  readonly nowMs: number;
  /** The trust domains whose members may be peers. Default: each one that has a bundle. An empty list refuses all. */
  readonly trustDomains?: readonly TrustDomain[];
  /** The role whose purpose an extendedKeyUsage must allow. Default: no role is asked for (a signer in a caller chain, say). */
  readonly role?: TlsRole;
}

/** What {@link verifyPeer} needs. */
export interface VerifyPeerInput extends VerifyX509SvidInput {
  /** The *peer's* role in the handshake: a server judges a `client`. */
  readonly role: TlsRole;
  /** Whether this peer is wanted. */
  readonly authorize: Authorizer;
}

/**
 * Verifies a peer's X.509-SVID against the bundle of its own trust domain (X509-SVID 5, RFC 5280 6.1), then asks the authorizer.
 * @throws {SpiffeTlsError} `PEER_NOT_AUTHORIZED`, and whatever {@link verifyX509Svid} throws.
 * @example
 * const peer = verifyPeer({ chain, role: 'client', bundles, nowMs: Date.now(), authorize: authorizeId(backendId) });
 */
export function verifyPeer(input: VerifyPeerInput): Peer {
  const peer = verifyX509Svid(input);
  checkAuthorized(peer.id, input.authorize);
  return peer;
}

/**
 * Verifies an X.509-SVID without asking whether this one is wanted: for own SVIDs and for signers that are not TLS peers.
 * @throws {SpiffeTlsError} `NO_PEER_CERTIFICATE`, `CHAIN_TOO_LONG`, `CERTIFICATE_TOO_LARGE`, `CERTIFICATE_MALFORMED`,
 * `URI_SAN_COUNT`, `URI_SAN_INVALID`, `SVID_PATH_EMPTY`, `SVID_IS_CA`, `KEY_USAGE`, `EXTENDED_KEY_USAGE`,
 * `CRITICAL_EXTENSION_UNKNOWN`, `WEAK_KEY_OR_SIGNATURE`, `TRUST_DOMAIN_NOT_ALLOWED`, `NO_BUNDLE`, `EXPIRED`, `NOT_YET_VALID`,
 * `NAME_CONSTRAINT`, `UNTRUSTED_CHAIN`
 * @example
 * const { id } = verifyX509Svid({ chain, bundles: source.current().bundles, nowMs: Date.now() });
 */
export function verifyX509Svid(input: VerifyX509SvidInput): Peer {
  // Comparisons with NaN are false, so a broken clock would find nothing expired.
  if (!Number.isFinite(input.nowMs)) throw new TypeError(`nowMs must be a finite number, got ${input.nowMs}`);
  const [leaf, ...intermediates] = parseChain(input.chain);
  if (leaf === undefined) throw refusal('NO_PEER_CERTIFICATE', AREA, 'the peer must present a certificate', 'none');
  // ZERO TRUST: the trust domain, and with it the only bundle that counts, comes from the leaf's one URI and nothing else.
  const id = spiffeIdOf(leaf);
  checkLeafRules(leaf, input.role === undefined ? [] : [input.role]);
  const bundle = bundleFor(id, input);
  const path = findCertificationPath({ leaf, intermediates, bundle, nowMs: input.nowMs, role: input.role });
  const notAfterMs = Math.min(...path.map((certificate) => certificate.notAfterMs));
  return Object.freeze({ id, path: Object.freeze([...path]), serialNumber: leaf.serialNumber, notAfterMs });
}

function parseChain(chain: readonly Uint8Array[]): readonly ParsedCertificate[] {
  if (chain.length > MAX_CHAIN_LENGTH) {
    throw refusal(
      'CHAIN_TOO_LONG',
      AREA,
      `the chain must hold at most ${MAX_CHAIN_LENGTH} certificates`,
      `${chain.length}`,
    );
  }
  const bytes = chain.reduce((sum, der) => sum + der.length, 0);
  if (bytes > MAX_CHAIN_BYTES) throw tooLarge(bytes);
  return chain.map(parseCertificate);
}

function bundleFor({ trustDomain }: SpiffeId, { bundles, trustDomains }: VerifyX509SvidInput): X509Bundle {
  const name = quote(trustDomain.name);
  if (trustDomains !== undefined && !trustDomains.some((allowed) => allowed.equals(trustDomain))) {
    const allowed = trustDomains.length === 0 ? 'none' : trustDomains.map((one) => quote(one.name)).join(', ');
    throw refusal('TRUST_DOMAIN_NOT_ALLOWED', AREA, `trust domain must be one of the allowed (${allowed})`, name);
  }
  const bundle = bundles.get(trustDomain);
  // A source that hands out another trust domain's bundle would let that domain mint this one's identities.
  const own = bundle?.trustDomain.equals(trustDomain) ? bundle : undefined;
  if (own !== undefined && own.authorities.length > 0) return own;
  const rule = `trust domain ${name} must have a bundle (${HOW_TO_FEDERATE})`;
  throw refusal('NO_BUNDLE', AREA, rule, own === undefined ? 'none' : 'an empty one');
}

function checkAuthorized(peerId: SpiffeId, authorize: Authorizer): void {
  const expected = askAuthorizer(peerId, authorize);
  if (expected === undefined) return;
  const got = quote(`${peerId}`);
  throw new SpiffeTlsError('PEER_NOT_AUTHORIZED', `peer: expected ${expected}, got ${got}`, { expected, got });
}

/** What the authorizer expects instead; `undefined` only if it returned exactly that. */
function askAuthorizer(peerId: SpiffeId, authorize: Authorizer): string | undefined {
  let answer: unknown;
  try {
    answer = authorize(peerId);
  } catch (cause) {
    const expected = 'an authorizer that decides';
    const message = `peer: expected ${expected}, got an error from it for ${quote(`${peerId}`)}`;
    throw new SpiffeTlsError('PEER_NOT_AUTHORIZED', message, { expected, got: 'an error', cause });
  }
  if (answer === undefined || typeof answer === 'string') return answer;
  // A promise is no verdict. It refuses, and its own failure must not end the process as an unhandled rejection.
  void Promise.resolve(answer).catch(() => undefined);
  return 'an authorizer that returns a string or undefined, at once';
}
