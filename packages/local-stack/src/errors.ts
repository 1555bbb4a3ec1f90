/**
 * Why the system can't be started, reached or stopped: one class, a closed union of codes. Each message says what to do.
 */

/** `docs/reference/errors.md` gives meaning and remedy of each. */
export type LocalStackErrorCode =
  | 'SETTING_INVALID'
  | 'PORT_TAKEN'
  | 'STATE_DIRECTORY'
  | 'ALREADY_RUNNING'
  | 'NOT_RUNNING'
  | 'POSTGRES_PACKAGE'
  | 'POSTGRES_ACCOUNT'
  | 'POSTGRES_FAILED'
  | 'SPIRE_UNAVAILABLE'
  | 'SPIRE_FAILED'
  | 'PART_FAILED'
  | 'PART_TIMEOUT'
  | 'CONTROL_FAILED'
  | 'CONTROL_REQUEST'
  | 'CONTROL_BUSY'
  | 'CONTROL_TIMEOUT'
  | 'WORKLOAD_UNKNOWN'
  | 'WORKLOAD_WITHOUT_IDENTITY'
  | 'DECISION_UNKNOWN'
  | 'POLICY_CHANGED'
  | 'POLICY_REFUSED'
  | 'CLUSTER_FAILED';

/** A failure of the local stack, fit to be shown to the person who typed the command. Narrow by {@link LocalStackError.code}. */
export class LocalStackError extends Error {
  override readonly name = 'LocalStackError';
  readonly code: LocalStackErrorCode;

  constructor(code: LocalStackErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** The `code` of a Node system error (`EACCES`), or undefined. */
export function systemErrorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** The message of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
