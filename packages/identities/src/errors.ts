/**
 * Why `identities.json` is refused: one class, a closed union of codes, the field's name kept.
 */

/** `UNREADABLE`: no such file or no permission. `NOT_JSON`: it does not parse. `INVALID`: a field breaks a rule. */
export type IdentitiesErrorCode = 'UNREADABLE' | 'NOT_JSON' | 'INVALID';

/** A refused identities file. Narrow by {@link IdentitiesError.code}. */
export class IdentitiesError extends Error {
  override readonly name = 'IdentitiesError';
  readonly code: IdentitiesErrorCode;
  /** Dotted name of the field that breaks the rule, `workloads.backend.postgresRole`; empty when the whole file does. */
  readonly field: string;

  constructor(
    code: IdentitiesErrorCode,
    message: string,
    details: { readonly field?: string; readonly cause?: unknown } = {},
  ) {
    super(message, 'cause' in details ? { cause: details.cause } : undefined);
    this.code = code;
    this.field = details.field ?? '';
  }
}
