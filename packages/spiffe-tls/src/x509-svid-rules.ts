/**
 * What the leaf certificate of an X.509-SVID must look like (X509-SVID 2 to 5): the same rules for a peer's SVID and for one's own.
 * Time and trust are not looked at here.
 */
import type { ParsedCertificate } from './certificate.ts';
import { quote, refusal, SpiffeTlsError } from './errors.ts';
import { SpiffeId } from './spiffe-id.ts';

/** The part a certificate's holder plays in a handshake. */
export type TlsRole = 'client' | 'server';

const AREA = 'x509-svid';

/** The key purpose that an extendedKeyUsage must name for each role, if there is one. */
export const ROLE_PURPOSE: Readonly<Record<TlsRole, string>> = {
  client: '1.3.6.1.5.5.7.3.2',
  server: '1.3.6.1.5.5.7.3.1',
};

/**
 * The SPIFFE ID of a leaf: from its one URI SAN, never from a subject or a DNS name.
 * @throws {SpiffeTlsError} `URI_SAN_COUNT`, `URI_SAN_INVALID`, `SVID_PATH_EMPTY`
 */
export function spiffeIdOf(leaf: ParsedCertificate): SpiffeId {
  const [uri, ...more] = leaf.uriSans;
  // SPIFFE: two URIs are refused even if only one is a SPIFFE ID: which of them is meant must not depend on who reads.
  if (uri === undefined || more.length > 0) {
    throw refusal('URI_SAN_COUNT', AREA, 'leaf must have exactly one URI SAN', `${leaf.uriSans.length}`);
  }
  const id = parseId(uri);
  if (id.path === '') throw refusal('SVID_PATH_EMPTY', AREA, "leaf's SPIFFE ID must have a path", quote(uri));
  return id;
}

/**
 * Checks what a leaf may be and may be used for. `roles` are the key purposes that its extendedKeyUsage, if present, must name.
 * @throws {SpiffeTlsError} `SVID_IS_CA`, `KEY_USAGE`, `EXTENDED_KEY_USAGE`, `CRITICAL_EXTENSION_UNKNOWN`, `WEAK_KEY_OR_SIGNATURE`
 */
export function checkLeafRules(leaf: ParsedCertificate, roles: readonly TlsRole[]): void {
  if (leaf.isCa) throw refusal('SVID_IS_CA', AREA, 'leaf must not be a CA', 'cA TRUE');
  checkKeyUsage(leaf);
  for (const role of roles) {
    const purposes = leaf.extendedKeyUsage;
    if (purposes !== undefined && !purposes.includes(ROLE_PURPOSE[role])) {
      throw refusal('EXTENDED_KEY_USAGE', AREA, `leaf's extendedKeyUsage must allow TLS ${role}s`, listed(purposes));
    }
  }
  const [unknown] = leaf.unknownCritical;
  if (unknown !== undefined) {
    throw refusal('CRITICAL_EXTENSION_UNKNOWN', AREA, 'leaf must have no unknown critical extension', unknown);
  }
  const weakness = leaf.weakKey ?? leaf.weakSignature;
  if (weakness !== undefined) throw refusal('WEAK_KEY_OR_SIGNATURE', AREA, 'leaf must be strong', weakness);
}

function parseId(uri: string): SpiffeId {
  try {
    return SpiffeId.parse(uri);
  } catch (cause) {
    const rule = 'leaf URI SAN must be a SPIFFE ID';
    const reason = cause instanceof SpiffeTlsError ? ` (${cause.expected ?? cause.code})` : '';
    throw new SpiffeTlsError('URI_SAN_INVALID', `x509-svid: ${rule}${reason}, got ${quote(uri)}`, {
      expected: rule,
      got: quote(uri),
      cause,
    });
  }
}

function checkKeyUsage({ keyUsage, keyUsageCritical }: ParsedCertificate): void {
  if (keyUsage === undefined) throw refusal('KEY_USAGE', AREA, 'leaf must have a keyUsage', 'none');
  if (!keyUsageCritical) throw refusal('KEY_USAGE', AREA, "leaf's keyUsage must be critical", 'one that is not');
  if (!keyUsage.has('digitalSignature')) {
    throw refusal('KEY_USAGE', AREA, "leaf's keyUsage must hold digitalSignature", listed([...keyUsage]));
  }
  if (keyUsage.has('keyCertSign') || keyUsage.has('cRLSign')) {
    throw refusal(
      'KEY_USAGE',
      AREA,
      "leaf's keyUsage must hold neither keyCertSign nor cRLSign",
      listed([...keyUsage]),
    );
  }
}

function listed(values: readonly string[]): string {
  return quote(values.join(' '));
}
