/**
 * One link: a compact JWS (RFC 7515) whose claims say who calls whom, for what, in which transaction, and after which other
 * link. Here is its form; what comes out of here is not verified.
 */
import { createHash } from 'node:crypto';
import {
  decodeBase64Url,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  parseStrictJsonBytes,
  quote,
  SpiffeId,
} from '@countersign/spiffe-tls';
import { type Place, refusal } from './errors.ts';
import { isLinkAlgorithm, type LinkAlgorithm } from './link-signature.ts';

/** The protected header's `typ`: another kind of token can't pass for a link (RFC 8725, 3.11). */
export const LINK_TYPE = 'caller-link+jws';

/** What a link says. Times in seconds since the epoch, as NumericDate of RFC 7519. */
export interface LinkClaims {
  readonly iss: SpiffeId;
  readonly aud: SpiffeId;
  readonly act: string;
  readonly txn: string;
  readonly iat: number;
  readonly exp: number;
  readonly jti: string;
  /** Absent in the origin's link. */
  readonly prev?: string;
  /** base64url SHA-256 of the request's body, where the caller covers it. */
  readonly bodyDigest?: string;
}

/** A link whose form is right and whose signature nobody has checked. */
export interface ParsedLink extends LinkClaims {
  readonly alg: LinkAlgorithm;
  /** base64url SHA-256 of the signer's leaf certificate (RFC 7515, 4.1.8). */
  readonly thumbprint: string;
  /** As sent. */
  readonly compact: string;
  /** Header and payload as sent, with the dot between them. */
  readonly signed: string;
  readonly signature: Uint8Array;
}

const HEADER_NAMES: ReadonlySet<string> = new Set(['alg', 'typ', 'x5t#S256']);
const CLAIM_NAMES: ReadonlySet<string> = new Set([
  'iss',
  'aud',
  'act',
  'txn',
  'iat',
  'exp',
  'jti',
  'prev',
  'bodyDigest',
]);
/** 128 bits in base64url. */
const RANDOM = /^[A-Za-z0-9_-]{21}[AQgw]$/;
/** SHA-256 in base64url. */
const DIGEST = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/;
/** `POST /orders`, or `/package.Service/Method`: printable ASCII, as it stands in a request line. */
const ACT = /^[!-~]{1,32} \/[!-~]*$|^\/[!-~]+$/;
const MAX_ACT_LENGTH = 2_048;
const MAX_NUMERIC_DATE = 253_402_300_799;

/** base64url SHA-256 of a compact link: the next link's `prev`. */
export function digestOf(compact: string): string {
  return createHash('sha256').update(compact).digest('base64url');
}

/** Whether a text is 128 bits in base64url, as `txn` and `jti` are. */
export function isRandomId(text: string): boolean {
  return RANDOM.test(text);
}

/** Whether a text is a SHA-256 in base64url. */
export function isDigest(text: string): boolean {
  return DIGEST.test(text);
}

/** Whether a text can stand in `act`. */
export function isAct(text: string): boolean {
  return text.length <= MAX_ACT_LENGTH && ACT.test(text);
}

/** Takes a link apart (RFC 7515, 5.2 steps 1 to 5). @throws {CallerChainError} `CHAIN_MALFORMED`. */
export function parseLink(compact: string, link: number): ParsedLink {
  const parts = compact.split('.', 4);
  const [header, payload, signature] = parts;
  if (parts.length !== 3 || header === undefined || payload === undefined || signature === undefined)
    throw malformed('must have three parts', parts.length > 3 ? 'more' : `${parts.length}`, { link });
  return {
    ...readHeader(parsePart(header, 'header', link), link),
    ...readClaims(parsePart(payload, 'payload', link), link),
    compact,
    signed: `${header}.${payload}`,
    signature: decodePart(signature, 'signature', link),
  };
}

/** Nothing but the three: `crit` (RFC 7515, 4.1.11), `b64` (RFC 7797), `jwk` and `x5c` change what is verified, and by which key. */
function readHeader(header: JsonObject, link: number): Pick<ParsedLink, 'alg' | 'thumbprint'> {
  refuseOthers(header, HEADER_NAMES, 'header', link);
  const { alg, typ, 'x5t#S256': thumbprint } = header;
  if (!isLinkAlgorithm(alg)) throw malformed('alg must be ES256, ES384, RS256 or EdDSA', shown(alg), { link });
  if (typ !== LINK_TYPE) throw malformed(`typ must be ${quote(LINK_TYPE)}`, shown(typ), { link });
  if (typeof thumbprint !== 'string' || !DIGEST.test(thumbprint))
    throw malformed('x5t#S256 must be a SHA-256 in base64url', shown(thumbprint), { link });
  return { alg, thumbprint };
}

function readClaims(claims: JsonObject, link: number): LinkClaims {
  refuseOthers(claims, CLAIM_NAMES, 'payload', link);
  const { act } = claims;
  if (typeof act !== 'string' || !isAct(act))
    throw malformed('act must be a method and a path, or a full gRPC method', shown(act), { link });
  return {
    iss: readId(claims, 'iss', link),
    aud: readId(claims, 'aud', link),
    act,
    txn: readRandom(claims, 'txn', link),
    iat: readDate(claims, 'iat', link),
    exp: readDate(claims, 'exp', link),
    jti: readRandom(claims, 'jti', link),
    ...readDigest(claims, 'prev', link),
    ...readDigest(claims, 'bodyDigest', link),
  };
}

function readId(claims: JsonObject, name: 'iss' | 'aud', link: number): SpiffeId {
  const value = claims[name];
  if (typeof value !== 'string') throw malformed(`${name} must be a SPIFFE ID`, shown(value), { link });
  try {
    return SpiffeId.parse(value);
  } catch (cause) {
    throw malformed(`${name} must be a SPIFFE ID`, quote(value), { link, cause });
  }
}

function readRandom(claims: JsonObject, name: 'txn' | 'jti', link: number): string {
  const value = claims[name];
  if (typeof value === 'string' && isRandomId(value)) return value;
  throw malformed(`${name} must be 128 bits in base64url`, shown(value), { link });
}

function readDigest<Name extends 'prev' | 'bodyDigest'>(
  claims: JsonObject,
  name: Name,
  link: number,
): { [name in Name]?: string } {
  const value = claims[name];
  if (value === undefined) return {};
  if (typeof value === 'string' && DIGEST.test(value)) return { [name]: value } as { [name in Name]: string };
  throw malformed(`${name} must be a SHA-256 in base64url`, shown(value), { link });
}

function readDate(claims: JsonObject, name: 'iat' | 'exp', link: number): number {
  const value = claims[name];
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MAX_NUMERIC_DATE) return value;
  throw malformed(`${name} must be whole seconds since the epoch`, shown(value), { link });
}

function refuseOthers(object: JsonObject, names: ReadonlySet<string>, part: string, link: number): void {
  const other = Object.keys(object).find((name) => !names.has(name));
  if (other !== undefined)
    throw malformed(`the ${part} may hold ${[...names].join(', ')} only`, quote(other), { link });
}

function parsePart(part: string, name: string, link: number): JsonObject {
  const refuse = (rule: string, got: string) => malformed(`the ${name} ${rule}`, got, { link });
  const value = parseStrictJsonBytes(decodePart(part, name, link), refuse);
  if (!isJsonObject(value)) throw refuse('must be a JSON object', shown(value));
  return value;
}

function decodePart(part: string, name: string, link: number): Buffer {
  const bytes = decodeBase64Url(part);
  if (bytes === undefined || bytes.length === 0)
    throw malformed(`the ${name} must be base64url without padding`, 'something else', { link });
  return bytes;
}

function shown(value: JsonValue | undefined): string {
  if (typeof value === 'string') return quote(value);
  return value === undefined ? 'nothing' : `a ${value === null ? 'null' : typeof value}`;
}

function malformed(rule: string, got: string, place: Place) {
  return refusal('CHAIN_MALFORMED', rule, got, place);
}
