/**
 * How a JWT-SVID travels: `Authorization: Bearer` in HTTP, the same text as `authorization` metadata in gRPC (JWT-SVID 5.2, 5.3).
 */
import type { Metadata } from '@grpc/grpc-js';
import { refusal } from './errors.ts';
import type { JwtSvid } from './jwt-svid.ts';

/** What a token may arrive on: an `http.IncomingMessage`, or the metadata of a gRPC call. */
export type BearerCarrier = { readonly rawHeaders: readonly string[] } | Pick<Metadata, 'get'>;

/** The scheme in whatever case (RFC 9110 11.1), then the token, which holds neither spaces nor commas. */
const BEARER = /^bearer +([A-Za-z0-9._~+/=-]+)$/i;

/**
 * The value of the header or metadata `authorization`. Send it over TLS only.
 * @example
 * fetch(url, { headers: { authorization: bearerOf(svid) } });
 * metadata.set('authorization', bearerOf(svid));
 */
export function bearerOf(svid: JwtSvid): string {
  return `Bearer ${svid.token()}`;
}

/**
 * The token that came with a request; `undefined` when there is none. It is not validated yet.
 * @throws {SpiffeTlsError} `JWT_MALFORMED` for another scheme, and for two of them: which one counts must not depend on who reads.
 * @example
 * const token = bearerTokenOf(request);
 * if (token === undefined) return response.writeHead(401).end();
 */
export function bearerTokenOf(carrier: BearerCarrier): string | undefined {
  const values = 'rawHeaders' in carrier ? headerValues(carrier.rawHeaders) : carrier.get('authorization').map(String);
  const [value, ...more] = values;
  if (value === undefined) return undefined;
  if (more.length > 0) {
    throw refusal('JWT_MALFORMED', 'jwt-svid', 'a request must have one authorization', `${values.length}`);
  }
  const token = BEARER.exec(value)?.[1];
  // What came instead may be a password: it is not repeated.
  if (token === undefined)
    throw refusal('JWT_MALFORMED', 'jwt-svid', 'authorization must be "Bearer <token>"', 'another');
  return token;
}

/** Node drops a second `authorization` from `headers`; a proxy in front may have read that one. */
function headerValues(rawHeaders: readonly string[]): string[] {
  return rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === 'authorization');
}
