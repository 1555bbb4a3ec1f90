/** An X.509-SVID as people look at it: the same fields for the identity page and for `npm run inspect`. */
import type { X509Svid } from '@countersign/spiffe-tls';

/** The JSON form. Nothing in it is secret. */
export interface SvidDescription {
  readonly spiffe_id: string;
  readonly trust_domain: string;
  /** Upper-case hexadecimal, as `openssl x509 -serial` prints it. */
  readonly serial: string;
  /** ISO 8601, UTC. */
  readonly not_before: string;
  readonly not_after: string;
  readonly subject: string;
  readonly issuer: string;
  /** Names of RFC 5280: `digitalSignature`. */
  readonly key_usage: readonly string[];
  readonly extended_key_usage: readonly string[];
  readonly uri_sans: readonly string[];
  readonly dns_sans: readonly string[];
  readonly sha256_fingerprint: string;
  /** Certificates in the chain, the leaf among them. */
  readonly chain_length: number;
}

/** Names of the usages that an SVID has; others stay object identifiers. */
const EXTENDED_KEY_USAGES: Readonly<Record<string, string>> = {
  '1.3.6.1.5.5.7.3.1': 'serverAuth',
  '1.3.6.1.5.5.7.3.2': 'clientAuth',
};

/** Describes the leaf of an SVID. */
export function describeSvid({ id, leaf, chain }: Pick<X509Svid, 'id' | 'leaf' | 'chain'>): SvidDescription {
  return {
    spiffe_id: id.toString(),
    trust_domain: id.trustDomain.name,
    serial: leaf.serialNumber,
    not_before: new Date(leaf.notBeforeMs).toISOString(),
    not_after: new Date(leaf.notAfterMs).toISOString(),
    subject: oneLine(leaf.x509.subject),
    issuer: oneLine(leaf.x509.issuer),
    key_usage: [...(leaf.keyUsage ?? [])],
    extended_key_usage: (leaf.extendedKeyUsage ?? []).map((oid) => EXTENDED_KEY_USAGES[oid] ?? oid),
    uri_sans: leaf.uriSans,
    dns_sans: leaf.dnsSans,
    sha256_fingerprint: leaf.fingerprint256,
    chain_length: chain.length,
  };
}

/** Node writes one attribute a line, and nothing for an empty name. */
function oneLine(name: string | undefined): string {
  return (name ?? '').split('\n').join(', ');
}
