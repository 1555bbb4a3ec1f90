/**
 * Every error this library raises on purpose: one class, a closed union of codes, the cause kept.
 */

/** Why an input, a peer or a source was refused. `docs/reference/errors.md` gives meaning and remedy of each. */
export type SpiffeTlsErrorCode =
  // SPIFFE IDs and trust domains
  | 'INVALID_SPIFFE_ID'
  | 'INVALID_TRUST_DOMAIN'
  // certificates: bytes and rules of an X.509-SVID
  | 'CERTIFICATE_MALFORMED'
  | 'CERTIFICATE_TOO_LARGE'
  | 'CHAIN_TOO_LONG'
  | 'URI_SAN_COUNT'
  | 'URI_SAN_INVALID'
  | 'SVID_PATH_EMPTY'
  | 'SVID_IS_CA'
  | 'KEY_USAGE'
  | 'EXTENDED_KEY_USAGE'
  | 'CRITICAL_EXTENSION_UNKNOWN'
  | 'WEAK_KEY_OR_SIGNATURE'
  | 'NOT_YET_VALID'
  | 'EXPIRED'
  // path validation
  | 'TRUST_DOMAIN_NOT_ALLOWED'
  | 'NO_BUNDLE'
  | 'UNTRUSTED_CHAIN'
  | 'NAME_CONSTRAINT'
  // the peer
  | 'NO_PEER_CERTIFICATE'
  | 'SESSION_RESUMED'
  | 'PEER_NOT_AUTHORIZED'
  | 'ALPN_MISMATCH'
  | 'NOT_VERIFIED'
  // bundles, own SVIDs, sources
  | 'INVALID_BUNDLE'
  | 'PRIVATE_KEY_INVALID'
  | 'KEY_MISMATCH'
  | 'SVID_ID_MISMATCH'
  | 'NO_SVID_FOR_HINT'
  | 'SOURCE_NOT_READY'
  | 'SOURCE_TIMEOUT'
  | 'SOURCE_CLOSED'
  | 'IDENTITY_WITHDRAWN'
  // JWT-SVIDs
  | 'JWT_MALFORMED'
  | 'JWT_ALGORITHM'
  | 'JWT_HEADER'
  | 'JWT_CLAIM'
  | 'JWT_KEY_UNKNOWN'
  | 'JWT_SIGNATURE'
  | 'JWT_AUDIENCE'
  | 'JWT_REFUSED'
  // files
  | 'FILE_UNREADABLE'
  | 'PRIVATE_KEY_EXPOSED'
  | 'BUNDLE_MISSING'
  | 'BUNDLE_AMBIGUOUS'
  // federation
  | 'BUNDLE_ENDPOINT'
  // Workload API
  | 'INVALID_ENDPOINT'
  | 'WORKLOAD_API';

/** Facts of a refusal, fit for a log line: never keys, tokens or whole certificates. */
export interface SpiffeTlsErrorDetails {
  /** What the rule asks for. */
  readonly expected?: string;
  /** What was found, quoted and cut to 120 characters. */
  readonly got?: string;
  /** What led to it. */
  readonly cause?: unknown;
}

/** Refused input, an unverified peer or a source without identity. Narrow by {@link SpiffeTlsError.code}. */
export class SpiffeTlsError extends Error {
  override readonly name = 'SpiffeTlsError';
  /** Which rule was broken; docs/reference/errors.md lists them. */
  readonly code: SpiffeTlsErrorCode;
  /** Who or what would have been accepted, in a refusal of a peer. */
  readonly expected: string | undefined;
  /** What came, quoted and cut. */
  readonly got: string | undefined;

  /** @param message the rule that is broken, then the value: `x509-svid: leaf must have exactly one URI SAN, got 2` */
  constructor(code: SpiffeTlsErrorCode, message: string, details: SpiffeTlsErrorDetails = {}) {
    super(message, 'cause' in details ? { cause: details.cause } : undefined);
    this.code = code;
    this.expected = details.expected;
    this.got = details.got;
  }
}

/** The usual refusal: where it was made, the rule in words ("leaf must have ..."), and what was found instead. */
export function refusal(code: SpiffeTlsErrorCode, area: string, rule: string, got: string): SpiffeTlsError {
  return new SpiffeTlsError(code, `${area}: ${rule}, got ${got}`, { expected: rule, got });
}

/** Quotes a value that came from outside and cuts it, so that it can't flood or forge a log line. */
export function quote(value: string, maxLength = 120): string {
  const cut = value.length > maxLength ? `${value.slice(0, maxLength)}…` : value;
  return JSON.stringify(cut);
}
