/**
 * The CA on disk: one file with the active key, its certificate, and the other published roots.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import type { TrustDomain } from '@countersign/spiffe-tls';
import type { AuthorityStore, StoredAuthorities } from './authorities.ts';
import { type CertificateAuthority, restoreCertificateAuthority } from './certificate-authority.ts';
import { readPrivateFile, writePrivateFile } from './private-file.ts';

type CaStore = AuthorityStore<CertificateAuthority, Uint8Array>;

/** Keeps the authorities in `ca.pem` of a directory, which is made with mode 0700. */
export function createFileStore(directory: string, trustDomain: TrustDomain): CaStore {
  const file = join(directory, 'ca.pem');
  return {
    async load(nowMs) {
      const pem = await readPrivateFile(file);
      return pem === undefined ? { unusable: 'none stored yet' } : parseStored(pem, trustDomain, nowMs);
    },
    async save(active, others) {
      const blocks = [
        toPem('PRIVATE KEY', await active.keyDer()),
        ...[active.certificateDer, ...others].map((der) => toPem('CERTIFICATE', der)),
      ];
      await writePrivateFile(file, blocks.join(''));
    },
  };
}

/** A CA that can't be used is replaced, not mourned: it is a development CA, and the reason is logged. */
async function parseStored(
  pem: string,
  trustDomain: TrustDomain,
  nowMs: number,
): Promise<StoredAuthorities<CertificateAuthority, Uint8Array> | { unusable: string }> {
  try {
    const keyDer = createPrivateKey(pem).export({ type: 'pkcs8', format: 'der' });
    const [first, ...rest] = certificatesIn(pem);
    if (first === undefined) return { unusable: 'it holds no certificate' };
    if (first.subjectAltName !== `URI:${trustDomain.id}`) return { unusable: 'it belongs to another trust domain' };
    if (Date.parse(first.validTo) <= nowMs) return { unusable: 'it has expired' };
    if (!first.checkPrivateKey(createPrivateKey(pem))) return { unusable: 'key and certificate do not match' };
    const valid = rest.filter((certificate) => Date.parse(certificate.validTo) > nowMs);
    return { active: await restoreCertificateAuthority(first.raw, keyDer), others: valid.map(({ raw }) => raw) };
  } catch {
    return { unusable: 'it can not be parsed' };
  }
}

function certificatesIn(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block));
}

function toPem(label: string, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
