/**
 * Every error this package raises on purpose: one class, a closed union of codes, the cause kept. None of them is a
 * decision: a refusal is data, an error means that nothing was decided, and then the caller refuses.
 */

/** Why nothing was decided. `docs/reference/errors.md` gives meaning and remedy of each. */
export type AuthzErrorCode =
  /** No policy is loaded: none was readable yet. */
  | 'POLICY_UNAVAILABLE'
  /** The evaluation trapped, or the input never reached it. */
  | 'POLICY_FAILED'
  /** The policy answered something that is no decision. */
  | 'RESULT_INVALID'
  /** The guard asked something that the input schema does not allow, or that is too large. */
  | 'INPUT_INVALID'
  /** The bundle's bytes, manifest, data or module are refused. */
  | 'BUNDLE_INVALID'
  /** An obligation can't be met: the answer must not be sent. */
  | 'OBLIGATION_FAILED'
  /** Code that needs a decided call runs outside of one. */
  | 'NOT_IN_CALL';

/** No decision could be made or met. Narrow by {@link AuthzError.code}. */
export class AuthzError extends Error {
  override readonly name = 'AuthzError';
  readonly code: AuthzErrorCode;

  /** @param message the rule that is broken, then the value: `policy bundle: needs a data.json, got none` */
  constructor(code: AuthzErrorCode, message: string, details: { readonly cause?: unknown } = {}) {
    super(message, 'cause' in details ? { cause: details.cause } : undefined);
    this.code = code;
  }
}
