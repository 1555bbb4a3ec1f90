/**
 * The text of a JWT-SVID taken apart: every rule that needs neither a key nor the time (JWT-SVID 2 and 3). What comes out of
 * here is not verified.
 */
import { decodeBase64Url } from './base64.ts';
import { quote, refusal, SpiffeTlsError, type SpiffeTlsErrorCode } from './errors.ts';
import { isJwtAlgorithm, type JwtAlgorithm } from './jwt-algorithm.ts';
import { SpiffeId } from './spiffe-id.ts';
import {
  isJsonArray,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  kindOfJson,
  parseStrictJsonBytes,
} from './strict-json.ts';

/** A token whose form is right and whose signature nobody has checked. */
export interface DecodedJwt {
  readonly token: string;
  readonly alg: JwtAlgorithm;
  readonly keyId: string | undefined;
  readonly id: SpiffeId;
  readonly audience: readonly string[];
  readonly expiresAtMs: number;
  readonly notBeforeMs: number | undefined;
  readonly issuedAtMs: number | undefined;
  readonly claims: JsonObject;
  /** Header and payload as sent, with the dot between them. */
  readonly signed: string;
  readonly signature: Uint8Array;
}

const AREA = 'jwt-svid';
/** All the headers of an HTTP request together may have 16 KiB in Node. */
const MAX_TOKEN_LENGTH = 16 * 1024;
const MAX_KEY_ID_LENGTH = 1024;
const MAX_AUDIENCES = 32;
/** The last second of the year 9999, beyond which dates can't be printed. */
const MAX_NUMERIC_DATE = 253_402_300_799;

/** The whole list of what a JWT-SVID may have (JWT-SVID 2). */
const HEADERS: ReadonlySet<string> = new Set(['alg', 'kid', 'typ']);
/** Never: each names a key to be verified by, or changes what is signed. */
const DANGEROUS_HEADERS: ReadonlySet<string> = new Set(['crit', 'b64', 'jwk', 'jku', 'x5u', 'x5c']);
const TYPES: ReadonlySet<JsonValue> = new Set(['JWT', 'JOSE']);

/** How strictly {@link decodeJwt} reads the header. */
export interface DecodeJwtOptions {
  /** Lets headers pass that SPIFFE does not name; never those that choose a key. Default `false`. */
  readonly allowExtraHeaders?: boolean;
}

/**
 * Takes a compact JWS apart.
 * @throws {SpiffeTlsError} `JWT_MALFORMED`, `JWT_ALGORITHM`, `JWT_HEADER`, `JWT_CLAIM`
 */
export function decodeJwt(token: string, options: DecodeJwtOptions = {}): DecodedJwt {
  if (token.length > MAX_TOKEN_LENGTH) {
    throw malformed(`must have at most ${MAX_TOKEN_LENGTH} characters`, `${token.length}`);
  }
  const parts = token.split('.', 4);
  const [header, payload, signature] = parts;
  if (parts.length !== 3 || header === undefined || payload === undefined || signature === undefined) {
    throw malformed('must have three parts', parts.length > 3 ? 'more' : `${parts.length}`);
  }
  const { alg, keyId } = readHeader(parsePart(header, 'header'), options);
  const claims = parsePart(payload, 'payload');
  const bytes = decodePart(signature, 'signature');
  if (bytes.length === 0) throw malformed('must have a signature', 'an empty one');
  return { token, alg, keyId, ...readClaims(claims), claims, signed: `${header}.${payload}`, signature: bytes };
}

function readHeader(
  header: JsonObject,
  { allowExtraHeaders = false }: DecodeJwtOptions,
): { alg: JwtAlgorithm; keyId: string | undefined } {
  const { alg, kid, typ } = header;
  // Before anything else, and long before any crypto: `none` and HMAC are the classic forgeries.
  if (!isJwtAlgorithm(alg)) {
    throw refusal('JWT_ALGORITHM', AREA, 'alg must be RS, ES or PS with 256, 384 or 512', shown(alg));
  }
  if (typ !== undefined && !TYPES.has(typ)) {
    throw refusal('JWT_HEADER', AREA, 'typ must be "JWT" or "JOSE", or be left out', shown(typ));
  }
  const other = Object.keys(header).find(
    (name) => DANGEROUS_HEADERS.has(name) || !(allowExtraHeaders || HEADERS.has(name)),
  );
  if (other !== undefined) throw refusal('JWT_HEADER', AREA, 'header must hold alg, kid and typ only', quote(other));
  if (kid === undefined) return { alg, keyId: undefined };
  if (typeof kid !== 'string' || kid === '' || kid.length > MAX_KEY_ID_LENGTH) {
    throw refusal('JWT_HEADER', AREA, `kid must be a text of 1 to ${MAX_KEY_ID_LENGTH} characters`, shown(kid));
  }
  return { alg, keyId: kid };
}

function readClaims(claims: JsonObject) {
  const expiresAtMs = readDate(claims, 'exp');
  if (expiresAtMs === undefined) throw refusal('JWT_CLAIM', AREA, 'exp must be present', 'nothing');
  return {
    id: readSubject(claims['sub']),
    audience: Object.freeze(readAudience(claims['aud'])),
    expiresAtMs,
    notBeforeMs: readDate(claims, 'nbf'),
    issuedAtMs: readIssuedAt(claims['iat']),
  };
}

function readSubject(sub: JsonValue | undefined): SpiffeId {
  if (typeof sub !== 'string') throw refusal('JWT_CLAIM', AREA, 'sub must be a SPIFFE ID', kindOfJson(sub));
  try {
    return SpiffeId.parse(sub);
  } catch (cause) {
    const rule = 'sub must be a SPIFFE ID';
    const details = { expected: rule, got: quote(sub), cause };
    throw new SpiffeTlsError('JWT_CLAIM', `${AREA}: ${rule}, got ${quote(sub)}`, details);
  }
}

function readAudience(aud: JsonValue | undefined): string[] {
  const names = typeof aud === 'string' ? [aud] : aud;
  if (!isJsonArray(names) || names.length === 0) {
    throw refusal(
      'JWT_CLAIM',
      AREA,
      'aud must be a text or a list of texts',
      isJsonArray(names) ? 'none' : kindOfJson(aud),
    );
  }
  if (names.length > MAX_AUDIENCES) {
    throw refusal('JWT_CLAIM', AREA, `aud must have at most ${MAX_AUDIENCES} entries`, `${names.length}`);
  }
  return names.map((name) => {
    if (typeof name !== 'string' || name === '') {
      throw refusal('JWT_CLAIM', AREA, 'aud must hold texts that are not empty', shown(name));
    }
    return name;
  });
}

/** A NumericDate (RFC 7519 section 2), in milliseconds; fractions of a second are allowed. */
function readDate(claims: JsonObject, name: 'exp' | 'nbf'): number | undefined {
  const value = claims[name];
  if (value === undefined) return undefined;
  if (typeof value === 'number' && value >= 0 && value <= MAX_NUMERIC_DATE) return value * 1000;
  throw refusal('JWT_CLAIM', AREA, `${name} must be seconds since the epoch`, shown(value));
}

/** SPIFFE: `iat` is information. It is never a reason to refuse, whatever it holds. */
function readIssuedAt(value: JsonValue | undefined): number | undefined {
  return typeof value === 'number' && value >= 0 && value <= MAX_NUMERIC_DATE ? value * 1000 : undefined;
}

function parsePart(part: string, name: string): JsonObject {
  const refuse = (rule: string, got: string) => malformed(`${name} ${rule}`, got);
  const value = parseStrictJsonBytes(decodePart(part, name), refuse);
  if (!isJsonObject(value)) throw refuse('must be a JSON object', kindOfJson(value));
  return value;
}

function decodePart(part: string, name: string): Buffer {
  const bytes = decodeBase64Url(part);
  if (bytes === undefined) throw malformed(`${name} must be base64url without padding`, 'something else');
  return bytes;
}

function malformed(rule: string, got: string): SpiffeTlsError {
  const code: SpiffeTlsErrorCode = 'JWT_MALFORMED';
  return refusal(code, AREA, `token ${rule}`, got);
}

function shown(value: JsonValue | undefined): string {
  return typeof value === 'string' ? quote(value) : kindOfJson(value);
}
