/**
 * PEM blocks (RFC 7468) to DER and back, for bundles and SVIDs that come as text.
 */
import { refusal, type SpiffeTlsError } from './errors.ts';

const BLOCK = /-----BEGIN ([A-Z0-9 ]{1,64})-----\r?\n([A-Za-z0-9+/=\r\n]*)-----END \1-----/g;

/** A labelled block: `CERTIFICATE`, `PRIVATE KEY`. */
export interface PemBlock {
  /** What stands between `BEGIN` and the dashes. */
  readonly label: string;
  /** The bytes. */
  readonly der: Uint8Array;
}

/**
 * Reads all blocks of a text; what stands between blocks is comment.
 * @throws {SpiffeTlsError} `CERTIFICATE_MALFORMED` when a block has no end or is not base64.
 */
export function parsePem(text: string): PemBlock[] {
  const blocks = [...text.matchAll(BLOCK)].map(([, label = '', body = '']) => ({ label, der: decode(body) }));
  const begun = text.split('-----BEGIN ').length - 1;
  if (begun !== blocks.length) throw malformedPem('every block must be complete', `${blocks.length} of ${begun}`);
  return blocks;
}

/** Writes one block, with 64 characters a line and a newline at the end. */
export function toPem(label: string, der: Uint8Array): string {
  const base64 = Buffer.from(der.buffer, der.byteOffset, der.byteLength).toString('base64');
  const lines = base64.match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
}

function decode(body: string): Uint8Array {
  const base64 = body.replace(/\s/g, '');
  const der = Buffer.from(base64, 'base64');
  // Buffer ignores what is not base64; writing it back shows whether anything was ignored.
  if (base64 === '' || der.toString('base64') !== base64) {
    throw malformedPem('a block must be base64', 'something else');
  }
  return der;
}

function malformedPem(rule: string, got: string): SpiffeTlsError {
  return refusal('CERTIFICATE_MALFORMED', 'pem', rule, got);
}
