/**
 * The key of the real trust domain's CA, from its state directory: what no workload has. With it this test makes the SVIDs
 * that the CA itself never would: that have ended, or have two names.
 */
import { createPrivateKey, webcrypto, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { toPem } from '@countersign/spiffe-tls';
import {
  createTestCertificate,
  createTestKeys,
  type IssueOptions,
  KeyPurpose,
  type TestIssuer,
} from '@countersign/testkit';
import * as x509 from '@peculiar/x509';
import type { Material } from './wire-tls.ts';

/** The CA's name and key, with its certificate. */
export interface RealIssuer extends TestIssuer {
  readonly rootPem: string;
}

/** Reads them from where a system on the development trust domain keeps them. */
export function readIssuer(stateDirectory: string): Promise<RealIssuer> {
  const pem = readFileSync(join(stateDirectory, 'ca', 'ca.pem'), 'utf8');
  return issuerFrom(pem, pem);
}

async function issuerFrom(keyPem: string, certificatePem: string): Promise<RealIssuer> {
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
    rootPem: toPem('CERTIFICATE', raw),
    name: certificate.subject,
    keys: { pair, privateKey, keyDer, keyPem },
  };
}

/** What an SVID under the real CA says. */
export type MintOptions = IssueOptions & { readonly uris: readonly string[]; readonly commonName: string };

/** Makes one. */
export async function mint(issuer: TestIssuer, options: MintOptions): Promise<Material> {
  const keys = await createTestKeys();
  const settings = { extendedKeyUsage: [KeyPurpose.serverAuth, KeyPurpose.clientAuth], ...options };
  const der = await createTestCertificate({ name: `CN=${options.commonName}`, keys }, issuer, settings);
  return { cert: toPem('CERTIFICATE', der), key: keys.keyPem };
}
