/**
 * The key of the real trust domain's CA, from where only root or the trust domain itself can read it: what no workload has.
 * With it this test makes the SVIDs that the CA itself never would: that have ended, or have two names.
 */
import { createPrivateKey, webcrypto, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { toPem } from '@countersign/spiffe-tls';
import {
  createTestCertificate,
  createTestKeys,
  type IssueOptions,
  KeyPurpose,
  KeyUsageFlags,
  type TestIssuer,
} from '@countersign/testkit';
import * as x509 from '@peculiar/x509';
import type { Material } from './wire-tls.ts';

/** The CA that signs, with its key. */
export interface RealIssuer extends TestIssuer {
  /** The root above it, or itself: what the trust domain's bundle holds. */
  readonly root: TestIssuer & { readonly pem: string };
  /** What stands between root and SVIDs: they bring it along. Empty where the root itself signs. */
  readonly intermediatesPem: string;
}

/** Where a root is kept, in PEM. Both may be one file. */
export interface RootFiles {
  readonly certificate: string;
  readonly key: string;
}

/** A root that signs SVIDs itself. */
export async function readRoot({ certificate, key }: RootFiles): Promise<RealIssuer> {
  const root = await rootFrom(readFileSync(key, 'utf8'), readFileSync(certificate, 'utf8'));
  return { ...root, root, intermediatesPem: '' };
}

/** A CA below a root, as a server of SPIRE has one by its `UpstreamAuthority`. */
export async function belowRoot({ root }: RealIssuer, trustDomainId: string): Promise<RealIssuer> {
  const below = { name: 'O=test, CN=a server below the root', keys: await createTestKeys() };
  const keyUsage = KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign;
  const der = await createTestCertificate(below, root, { isCa: true, keyUsage, uris: [trustDomainId] });
  return { ...below, root, intermediatesPem: toPem('CERTIFICATE', der) };
}

async function rootFrom(keyPem: string, certificatePem: string): Promise<RealIssuer['root']> {
  const privateKey = createPrivateKey(keyPem);
  const keyDer = privateKey.export({ type: 'pkcs8', format: 'der' });
  const { raw } = new X509Certificate(certificatePem);
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
  const certificate = new x509.X509Certificate(raw);
  const pair = {
    privateKey: await webcrypto.subtle.importKey('pkcs8', keyDer, algorithm, true, ['sign']),
    publicKey: await certificate.publicKey.export(algorithm, ['verify']),
  };
  return {
    pem: toPem('CERTIFICATE', raw),
    name: certificate.subject,
    keys: { pair, privateKey, keyDer, keyPem },
  };
}

/** What an SVID under the real CA says. */
export type MintOptions = IssueOptions & { readonly uris: readonly string[]; readonly commonName: string };

/** Makes one. */
export async function mint(issuer: RealIssuer, options: MintOptions): Promise<Material> {
  const keys = await createTestKeys();
  const settings = { extendedKeyUsage: [KeyPurpose.serverAuth, KeyPurpose.clientAuth], ...options };
  const der = await createTestCertificate({ name: `CN=${options.commonName}`, keys }, issuer, settings);
  return { cert: toPem('CERTIFICATE', der) + issuer.intermediatesPem, key: keys.keyPem };
}
