/**
 * The root of `UpstreamAuthority "disk"`: made once, kept as two PEM files that only root can read.
 */
import { X509Certificate } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createCertificateAuthority } from '@countersign/dev-trust-domain';
import { TrustDomain } from '@countersign/spiffe-tls';
import { rootFiles } from './config-files.ts';
import type { SpireLayout } from './layout.ts';

const dayMs = 86_400_000;
const lifeMs = 365 * dayMs;
/** Replaced this long before its end: what SPIRE signs with it must not outlive it. */
const reserveMs = 30 * dayMs;

/** Makes the root unless there is one that will do. */
export async function ensureRoot(layout: SpireLayout, trustDomainName: string, nowMs: number): Promise<void> {
  const files = rootFiles(layout);
  const trustDomain = TrustDomain.parse(trustDomainName);
  if (existsSync(files.key) && isUsable(files.certificate, trustDomain.id, nowMs)) return;
  const root = await createCertificateAuthority({
    trustDomain,
    notBeforeMs: nowMs - 60_000,
    notAfterMs: nowMs + lifeMs,
  });
  // Key first: a certificate in place means that its key is too.
  replace(files.key, toPem('PRIVATE KEY', await root.keyDer()));
  replace(files.certificate, toPem('CERTIFICATE', root.certificateDer));
}

function isUsable(file: string, trustDomainId: string, nowMs: number): boolean {
  if (!existsSync(file)) return false;
  const certificate = new X509Certificate(readFileSync(file));
  return certificate.subjectAltName === `URI:${trustDomainId}` && certificate.validToDate.getTime() > nowMs + reserveMs;
}

function replace(file: string, text: string): void {
  writeFileSync(`${file}.new`, text, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

function toPem(label: string, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
