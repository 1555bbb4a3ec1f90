/**
 * The token that goes with whatever changes state. A page of another origin can't read it (there are no CORS headers), and
 * can't send the header it goes in without asking first (a preflight, which is refused). New at each start.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Problem } from '@countersign/service-kit';
import { TOKEN_HEADER } from '../wire/actions.ts';

/** A token and its check. */
export interface SessionToken {
  readonly value: string;
  /** Why a request is refused; `undefined` when it brings the token. */
  check(request: IncomingMessage): Problem | undefined;
}

/** Makes a new one: 256 random bits. */
export function createSessionToken(): SessionToken {
  const value = randomBytes(32).toString('base64url');
  const expected = digest(value);
  return {
    value,
    check({ headers }) {
      const given = headers[TOKEN_HEADER];
      // Digests have one length, and comparing them takes one time, whatever was sent.
      if (typeof given === 'string' && timingSafeEqual(digest(given), expected)) return undefined;
      return {
        status: 403,
        detail: 'The token is missing or of another run of the console.',
        reason: 'TOKEN_INVALID',
        expected: `the token of GET /api/session in ${TOKEN_HEADER}`,
        got: given === undefined ? 'none' : 'another one',
      };
    },
  };
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
