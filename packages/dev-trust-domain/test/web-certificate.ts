/**
 * A certificate for `localhost` as the web has them, and the authority that vouches for it.
 */
import { TrustDomain, toPem } from '@countersign/spiffe-tls';
import { createCertificateAuthority } from '../src/index.ts';

/** PEM texts. */
export interface WebCertificate {
  /** What a client trusts. */
  readonly caPem: string;
  readonly certificatePem: string;
  readonly keyPem: string;
}

/** Makes both, for an hour. */
export async function createWebCertificate(): Promise<WebCertificate> {
  const life = { notBeforeMs: Date.now() - 60_000, notAfterMs: Date.now() + 3_600_000 };
  const ca = await createCertificateAuthority({ trustDomain: TrustDomain.parse('web.example'), ...life });
  const server = { spiffeId: 'spiffe://web.example/server', dnsNames: ['localhost'], keyType: 'ec-p256' } as const;
  const { certificateDer, keyDer } = await ca.issue({ ...server, ...life });
  return {
    caPem: toPem('CERTIFICATE', ca.certificateDer),
    certificatePem: toPem('CERTIFICATE', certificateDer),
    keyPem: toPem('PRIVATE KEY', keyDer),
  };
}

/** The address of an endpoint on this machine by the name that the certificate is for. */
export function onLocalhost(url: string): string {
  const named = new URL(url);
  named.hostname = 'localhost';
  return named.href;
}
