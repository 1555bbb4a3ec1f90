/**
 * Every error this package raises on purpose: one class, a closed union of codes, the cause kept.
 */

/** Why a chain was refused, or not signed. `docs/reference/errors.md` gives meaning and remedy of each. */
export type CallerChainErrorCode =
  /** A header, link, claim or certificate does not have the form that the specification gives. */
  | 'CHAIN_MALFORMED'
  /** More links or bytes than are accepted. */
  | 'CHAIN_TOO_LARGE'
  /** A link's signature does not hold, or its algorithm does not fit the signer's key. */
  | 'CHAIN_SIGNATURE_INVALID'
  /** A signer's X.509-SVID does not verify, or is another's. */
  | 'CHAIN_SIGNER_UNTRUSTED'
  /** The links do not follow each other. */
  | 'CHAIN_BROKEN'
  /** The last link was not signed by the peer. */
  | 'CHAIN_PEER_MISMATCH'
  /** The last link is for another service. */
  | 'CHAIN_AUDIENCE_MISMATCH'
  /** The last link is for another operation. */
  | 'CHAIN_ACT_MISMATCH'
  /** A link's time is over, has not come, or is too long. */
  | 'CHAIN_EXPIRED'
  /** The last link was accepted before. */
  | 'CHAIN_REPLAYED'
  /** No more links can be remembered: nothing was decided about this one. */
  | 'CHAIN_STORE_FULL'
  /** A link can't be signed: no identity, a key of another kind, or a chain that this process may not continue. */
  | 'CHAIN_NOT_SIGNED';

/** What a {@link CallerChainError} says beside its message. */
export interface CallerChainErrorDetails {
  readonly expected?: string;
  readonly got?: string;
  /** Which link, from 0 for the origin's. */
  readonly link?: number | undefined;
  readonly cause?: unknown;
}

/** A chain that is not accepted, or a link that was not signed. Narrow by {@link CallerChainError.code}. */
export class CallerChainError extends Error {
  override readonly name = 'CallerChainError';
  readonly code: CallerChainErrorCode;
  /** The rule that is broken, in words. */
  readonly expected: string | undefined;
  /** What was found, quoted and cut. Never a whole link or certificate. */
  readonly got: string | undefined;
  /** Which link, from 0 for the origin's; absent when it is not about one. */
  readonly link: number | undefined;

  constructor(code: CallerChainErrorCode, message: string, details: CallerChainErrorDetails = {}) {
    super(message, 'cause' in details ? { cause: details.cause } : undefined);
    this.code = code;
    this.expected = details.expected;
    this.got = details.got;
    this.link = details.link;
  }
}

/** Where in a chain something was found, for messages. */
export interface Place {
  readonly link?: number;
  readonly cause?: unknown;
}

/** The usual refusal: the rule in words, and what was found instead. */
export function refusal(code: CallerChainErrorCode, rule: string, got: string, place: Place = {}): CallerChainError {
  const where = place.link === undefined ? 'caller chain' : `caller chain, link ${place.link}`;
  return new CallerChainError(code, `${where}: ${rule}, got ${got}`, { expected: rule, got, ...place });
}
