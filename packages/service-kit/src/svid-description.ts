/** An X.509-SVID as people look at it: the same fields for the identity page and for `npm run inspect`. */
import type { ParsedCertificate, X509Svid } from '@countersign/spiffe-tls';

/** One certificate in its JSON form. Nothing in it is secret. */
export interface CertificateDescription {
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
}

/** The JSON form of an SVID: its leaf, and whose it is. */
export interface SvidDescription extends CertificateDescription {
  readonly spiffe_id: string;
  readonly trust_domain: string;
  /** Certificates in the chain, the leaf among them. */
  readonly chain_length: number;
}

/** Names of the usages that SVIDs have; others stay object identifiers. */
const EXTENDED_KEY_USAGES: Readonly<Record<string, string>> = {
  '1.3.6.1.5.5.7.3.1': 'serverAuth',
  '1.3.6.1.5.5.7.3.2': 'clientAuth',
};

/** Describes the leaf of an SVID. */
export function describeSvid({ id, leaf, chain }: Pick<X509Svid, 'id' | 'leaf' | 'chain'>): SvidDescription {
  return {
    spiffe_id: id.toString(),
    trust_domain: id.trustDomain.name,
    ...describeCertificate(leaf),
    chain_length: chain.length,
  };
}

/** Describes a certificate of a chain or a bundle. */
export function describeCertificate(certificate: ParsedCertificate): CertificateDescription {
  return {
    serial: certificate.serialNumber,
    not_before: new Date(certificate.notBeforeMs).toISOString(),
    not_after: new Date(certificate.notAfterMs).toISOString(),
    subject: oneLine(certificate.x509.subject),
    issuer: oneLine(certificate.x509.issuer),
    key_usage: [...(certificate.keyUsage ?? [])],
    extended_key_usage: (certificate.extendedKeyUsage ?? []).map((oid) => EXTENDED_KEY_USAGES[oid] ?? oid),
    uri_sans: certificate.uriSans,
    dns_sans: certificate.dnsSans,
    sha256_fingerprint: certificate.fingerprint256,
  };
}

/** Node writes one attribute a line, and nothing for an empty name. */
function oneLine(name: string | undefined): string {
  return (name ?? '').split('\n').join(', ');
}
