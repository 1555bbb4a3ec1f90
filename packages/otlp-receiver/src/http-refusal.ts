/** Why a request is refused before its export is read, as a status and a sentence. */

/** What is answered instead of a response. */
export interface HttpRefusal {
  readonly status: 400 | 403 | 404 | 405 | 413 | 415 | 429 | 500;
  readonly message: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Thrown by what reads a request's body. */
export class HttpRefusalError extends Error {
  readonly refusal: HttpRefusal;

  constructor(refusal: HttpRefusal) {
    super(refusal.message);
    this.name = 'HttpRefusalError';
    this.refusal = refusal;
  }
}
