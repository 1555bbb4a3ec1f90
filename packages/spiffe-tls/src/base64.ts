/**
 * Base64 as JOSE wants it, read strictly: Node's decoder skips what it does not know, so that many texts would give the
 * same bytes, and a signature would hold for a text that nobody signed.
 */

const URL_SAFE = /^[A-Za-z0-9_-]*$/;
const STANDARD = /^[A-Za-z0-9+/]*={0,2}$/;

/** Decodes base64url without padding (RFC 7515 section 2). `undefined` unless encoding gives the same text again. */
export function decodeBase64Url(text: string): Buffer | undefined {
  if (!URL_SAFE.test(text)) return undefined;
  const bytes = Buffer.from(text, 'base64url');
  return bytes.toString('base64url') === text ? bytes : undefined;
}

/** Decodes padded base64, as `x5c` has it (RFC 7517 section 4.7). `undefined` unless encoding gives the same text again. */
export function decodeBase64(text: string): Buffer | undefined {
  if (!STANDARD.test(text)) return undefined;
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : undefined;
}
