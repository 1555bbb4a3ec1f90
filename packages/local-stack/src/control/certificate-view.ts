/** A workload's certificates for people, in the words of `openssl x509 -text`. */
import type { KeyObject } from 'node:crypto';
import { describeCertificate } from '@countersign/service-kit';
import { type ParsedCertificate, toPem } from '@countersign/spiffe-tls';
import type { WorkloadIdentity } from '../inspect/workload-identity.ts';
import type { CertificateText, CertificateView } from './stack-control.ts';

/** Everything that the workload was given, less its key. */
export function certificateViewOf(workload: string, { svid, bundles, jwtKeys }: WorkloadIdentity): CertificateView {
  return {
    workload,
    spiffeId: svid.id.toString(),
    chain: svid.chain.map(certificateTextOf),
    bundles: [...bundles].map(({ trustDomain, authorities }) => ({
      trustDomain: trustDomain.name,
      authorities: authorities.map(certificateTextOf),
    })),
    jwtKeys,
  };
}

/** One certificate. */
function certificateTextOf(certificate: ParsedCertificate): CertificateText {
  const { subject, issuer, serial, ...said } = describeCertificate(certificate);
  const { x509, isCa, der } = certificate;
  return {
    subject,
    issuer,
    serial,
    notBefore: said.not_before,
    notAfter: said.not_after,
    uriSans: said.uri_sans,
    dnsSans: said.dns_sans,
    keyUsage: said.key_usage,
    extendedKeyUsage: said.extended_key_usage,
    ca: isCa,
    key: kindOf(x509.publicKey),
    signatureAlgorithm: x509.signatureAlgorithm ?? x509.signatureAlgorithmOid,
    sha256Fingerprint: said.sha256_fingerprint,
    pem: toPem('CERTIFICATE', der),
  };
}

/** OpenSSL's names of the curves that SVIDs use, and everybody else's. */
const curves: Readonly<Record<string, string>> = { prime256v1: 'P-256', secp384r1: 'P-384', secp521r1: 'P-521' };
const kinds: Readonly<Record<string, string>> = { ec: 'EC', rsa: 'RSA', 'rsa-pss': 'RSA-PSS', ed25519: 'Ed25519' };

function kindOf({ asymmetricKeyType: type, asymmetricKeyDetails: details }: KeyObject): string {
  const curve = details?.namedCurve;
  const size = curve === undefined ? details?.modulusLength : (curves[curve] ?? curve);
  const kind = kinds[String(type)] ?? String(type);
  return size === undefined ? kind : `${kind} ${size}`;
}
