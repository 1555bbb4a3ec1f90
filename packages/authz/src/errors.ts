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
  /** A key is configured, and the bundle is not signed by it or not as it was signed. */
  | 'BUNDLE_SIGNATURE'
  /** The file or the bundle server gave no bundle. */
  | 'BUNDLE_SOURCE'
  /** The module needs built-in functions that its WebAssembly evaluator does not have. */
  | 'BUILTIN_MISSING'
  /** The folder that replaces the bundle's data was refused. */
  | 'DATA_INVALID'
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

/** A bundle that is refused for what is in it. */
export function invalidBundle(rule: string, cause?: unknown): AuthzError {
  return new AuthzError('BUNDLE_INVALID', `policy bundle: ${rule}`, cause === undefined ? {} : { cause });
}
