/**
 * Every error this package raises on purpose: one class, a closed union of codes, the cause kept.
 */

/** Why the development trust domain refused. */
export type DevTrustDomainErrorCode =
  /** `NODE_ENV=production` without the flag that allows it. */
  | 'PRODUCTION'
  /** An option or flag is of no use. */
  | 'CONFIGURATION'
  /** A socket's path is too long, taken by a live server, or not a socket. */
  | 'SOCKET'
  /** The CA's file can't be read or written. */
  | 'CA_STORE'
  /** A registration breaks a rule. */
  | 'REGISTRATION'
  /** No workload of that name, or it has no such identity. */
  | 'UNKNOWN_WORKLOAD'
  /** A JWT-SVID that is not valid. */
  | 'JWT_SVID'
  /** A fault to inject that breaks a rule. */
  | 'FAULT'
  /** A bundle document that is not valid, or a trust domain that it can't be federated with. */
  | 'BUNDLE'
  /** A control request that is malformed, too large or not known. */
  | 'CONTROL_REQUEST'
  /** Nothing answers on the control socket. */
  | 'NOT_RUNNING'
  | 'CLOSED';

/** Refused input or a trust domain that can't run. Narrow by {@link DevTrustDomainError.code}. */
export class DevTrustDomainError extends Error {
  override readonly name = 'DevTrustDomainError';
  readonly code: DevTrustDomainErrorCode;

  /** @param message the rule that is broken, then the value */
  constructor(code: DevTrustDomainErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}
