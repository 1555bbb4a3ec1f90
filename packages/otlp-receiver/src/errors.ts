/** Why an export is refused: one class, a closed union of codes. */

/** `docs/reference/errors.md` gives meaning and remedy of each. */
export type OtlpErrorCode =
  // the bytes
  | 'EXPORT_MALFORMED'
  // bounds
  | 'EXPORT_TOO_DEEP'
  | 'EXPORT_TOO_MANY_VALUES';

/** An export that can't be read. Nothing of it was handed on. */
export class OtlpError extends Error {
  readonly code: OtlpErrorCode;

  constructor(code: OtlpErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'OtlpError';
    this.code = code;
  }
}
