/**
 * The CA on disk: one file, readable by its owner alone, with the active key, its certificate, and the other published
 * roots. One file, because key and certificate written apart could be torn apart by a crash.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { chmod, mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TrustDomain } from '@countersign/spiffe-tls';
import { type CertificateAuthority, restoreCertificateAuthority } from './certificate-authority.ts';
import { DevTrustDomainError } from './errors.ts';

/** What the file holds. */
export interface StoredAuthorities {
  readonly active: CertificateAuthority;
  /** Other roots that were in the bundle, DER; an SVID that one of them signed may still be in use. */
  readonly others: readonly Uint8Array[];
}

/** Where authorities are kept between runs. */
export interface CaStore {
  /** What was saved, or why there is nothing that can be used. */
  load(nowMs: number): Promise<StoredAuthorities | { readonly unusable: string }>;
  save(active: CertificateAuthority, others: readonly Uint8Array[]): Promise<void>;
}

/** Keeps nothing: each start makes a new CA. */
export const MEMORY_STORE: CaStore = {
  load: async () => ({ unusable: 'kept in memory' }),
  save: async () => {},
};

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
      await writePrivateFile(directory, file, blocks.join(''));
    },
  };
}

async function readPrivateFile(file: string): Promise<string | undefined> {
  try {
    // A file that came out of a backup or a copy may have lost its mode.
    if (((await stat(file)).mode & 0o077) !== 0) await chmod(file, 0o600);
    return await readFile(file, 'utf8');
  } catch (cause) {
    if (isMissing(cause)) return undefined;
    throw new DevTrustDomainError('CA_STORE', `ca store: can't read ${file}; delete it to begin with a new CA`, cause);
  }
}

async function writePrivateFile(directory: string, file: string, text: string): Promise<void> {
  const next = `${file}.${process.pid}.tmp`;
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await writeFile(next, text, { mode: 0o600 });
    await rename(next, file);
  } catch (cause) {
    throw new DevTrustDomainError('CA_STORE', `ca store: can't write ${file}`, cause);
  }
}

/** A CA that can't be used is replaced, not mourned: it is a development CA, and the reason is logged. */
async function parseStored(
  pem: string,
  trustDomain: TrustDomain,
  nowMs: number,
): Promise<StoredAuthorities | { unusable: string }> {
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

function isMissing(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
}
