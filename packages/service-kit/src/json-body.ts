/** JSON request bodies: bounded, and with errors that say what was wrong. */
import express, { type RequestHandler } from 'express';
import type { Problem } from './problem.ts';

const LIMIT_BYTES = 16 * 1024;

/**
 * Reads a JSON body into `request.body`. Another content type is an error, not an empty body.
 * @param limit in bytes, 16 KiB by default
 */
export function jsonBody(limit: number = LIMIT_BYTES): RequestHandler {
  const parse = express.json({ limit, strict: false, inflate: false, type: 'application/json' });
  return (request, response, next) => {
    if (request.is('application/json') === false) return next(new UnsupportedBody());
    parse(request, response, next);
  };
}

/** What to answer when a body could not be read; `undefined` for errors of any other kind. */
export function toBodyProblem(error: unknown): Problem | undefined {
  if (error instanceof UnsupportedBody) {
    return { status: 415, detail: 'The body must be application/json.', reason: 'CONTENT_TYPE_UNSUPPORTED' };
  }
  const type = error instanceof Error && 'type' in error ? error.type : undefined;
  switch (type) {
    case 'entity.parse.failed':
      return { status: 400, detail: 'The body is not valid JSON.', reason: 'JSON_MALFORMED' };
    case 'entity.too.large':
      return { status: 413, detail: `The body must have at most ${limitOf(error)} bytes.`, reason: 'BODY_TOO_LARGE' };
    case 'charset.unsupported':
    case 'encoding.unsupported':
      return {
        status: 415,
        detail: 'The body must be UTF-8, without compression that is not known.',
        reason: 'ENCODING_UNSUPPORTED',
      };
    case 'request.aborted':
    case 'request.size.invalid':
      return { status: 400, detail: 'The body did not arrive whole.', reason: 'BODY_INCOMPLETE' };
    default:
      return undefined;
  }
}

/** The parser's error says what the limit was. */
function limitOf(error: unknown): number {
  const limit = error instanceof Error && 'limit' in error ? error.limit : undefined;
  return typeof limit === 'number' ? limit : LIMIT_BYTES;
}

class UnsupportedBody extends Error {}
