/**
 * Writes DER, and rewrites certificates into ones that no generator would make: malformed or repeated extensions, other
 * signature algorithms. Not a reader's mirror: it knows nothing of the rules it helps to break.
 */
import { type KeyObject, sign } from 'node:crypto';

/** One element: tag, length in the fewest bytes, content. */
export function tlv(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const content = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([tag]), lengthOf(content.length), content]);
}

/** A SEQUENCE. */
export function sequence(...parts: readonly Uint8Array[]): Uint8Array {
  return tlv(0x30, ...parts);
}

/** An OBJECT IDENTIFIER from its dotted form. */
export function oid(dotted: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  return tlv(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

/** An Extension as certificates list them. */
export function extension(id: string, critical: boolean, value: Uint8Array): Uint8Array {
  const flag = critical ? [tlv(0x01, Buffer.from([0xff]))] : [];
  return sequence(oid(id), ...flag, tlv(0x04, value));
}

/** The elements of a constructed element's content, each with its tag and length. */
export function elementsOf(der: Uint8Array): Uint8Array[] {
  const elements: Uint8Array[] = [];
  let rest = contentOf(der);
  while (rest.length > 0) {
    const size = sizeOf(rest);
    elements.push(rest.subarray(0, size));
    rest = rest.subarray(size);
  }
  return elements;
}

/** An element without its tag and length. */
export function contentOf(der: Uint8Array): Uint8Array {
  return der.subarray(headerOf(der), sizeOf(der));
}

/** How {@link rewriteCertificate} changes a certificate. */
export interface CertificateRewrite {
  /** Gets and gives whole Extension elements. */
  readonly extensions?: (list: Uint8Array[]) => readonly Uint8Array[];
  /** Gets and gives the elements of the tbsCertificate. */
  readonly tbs?: (parts: Uint8Array[]) => readonly Uint8Array[];
  /** A whole AlgorithmIdentifier and the digest that goes with it, in place of the ones that the certificate has. */
  readonly algorithm?: { readonly identifier: Uint8Array; readonly digest: string };
  /** An AlgorithmIdentifier for the unsigned copy alone, which then differs from the signed one. */
  readonly outerAlgorithm?: Uint8Array;
}

/** Changes a certificate and signs it again, so that only the change is wrong with it. */
export function rewriteCertificate(der: Uint8Array, signer: KeyObject, rewrite: CertificateRewrite): Uint8Array {
  const [tbs = der, identifier = der] = elementsOf(der);
  let parts = elementsOf(tbs).map((part) => (part[0] === 0xa3 ? rewriteExtensions(part, rewrite) : part));
  if (rewrite.algorithm !== undefined) parts[2] = rewrite.algorithm.identifier;
  parts = [...(rewrite.tbs?.(parts) ?? parts)];
  const signed = sequence(...parts);
  const digest = rewrite.algorithm?.digest ?? (signer.asymmetricKeyType === 'ed25519' ? null : 'sha256');
  const signature = tlv(0x03, Buffer.from([0]), sign(digest, signed, signer));
  return sequence(signed, rewrite.outerAlgorithm ?? rewrite.algorithm?.identifier ?? identifier, signature);
}

function rewriteExtensions(wrapper: Uint8Array, rewrite: CertificateRewrite): Uint8Array {
  const list = elementsOf(contentOf(wrapper));
  return tlv(0xa3, sequence(...(rewrite.extensions?.(list) ?? list)));
}

function lengthOf(length: number): Uint8Array {
  if (length < 0x80) return Buffer.from([length]);
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return Buffer.from([0x80 | bytes.length, ...bytes]);
}

function headerOf(der: Uint8Array): number {
  const first = der[1] ?? 0;
  return first < 0x80 ? 2 : 2 + (first & 0x7f);
}

function sizeOf(der: Uint8Array): number {
  const header = headerOf(der);
  const digits = header === 2 ? der.subarray(1, 2) : der.subarray(2, header);
  return header + digits.reduce((length, byte) => length * 256 + byte, 0);
}

function base128(arc: number): number[] {
  const digits = [arc % 128];
  for (let rest = Math.floor(arc / 128); rest > 0; rest = Math.floor(rest / 128)) digits.unshift((rest % 128) | 0x80);
  return digits;
}
