/**
 * Chains that each break exactly one rule, for tests that show them to a verifier or over real TLS. The tables are in
 * `bad-leaves.ts` and `bad-chains.ts`; a row is right in every respect but the one it names.
 */
import { type SpiffeTlsErrorCode, type TlsRole, toPem, type X509Bundle } from '@countersign/spiffe-tls';
import { createTestCa, type IssueOptions, type TestCa } from './test-ca.ts';
import type { TestKeys } from './test-keys.ts';

/** The authorities that rows are made with. The verifier has the bundles of `ca` and `federated`. */
export interface BadCertificateWorld {
  /** Of `example.org`. A row claims `spiffe://example.org/workload` unless the claim is what is wrong. */
  readonly ca: TestCa;
  /** Of `federated.example`, trusted for that name alone. */
  readonly federated: TestCa;
  /** Of `stranger.example`, trusted for nothing. */
  readonly stranger: TestCa;
}

/** What a peer presents, and what the verifier trusts. */
export interface BadPresentation {
  readonly chain: readonly Uint8Array[];
  readonly certificatePem: string;
  readonly keyPem: string;
  /** PKCS#8. */
  readonly keyDer: Uint8Array;
  /** In place of the world's, where the fault lies in the bundle. */
  readonly bundles?: readonly X509Bundle[];
}

/** One row. */
export interface BadCertificate {
  /** The broken rule, with its number in the list of requirements. */
  readonly rule: string;
  /** What it has to be refused with. */
  readonly code: SpiffeTlsErrorCode;
  /** Why OpenSSL carries these bytes neither way: with it they are shown to the verifier alone, and over Go's TLS to all of it. */
  readonly notOnWire?: string;
  /** `role` is the peer's in the handshake. */
  make(world: BadCertificateWorld, role: TlsRole): Promise<BadPresentation>;
}

/** The ID that rows claim. */
export const BAD_CERTIFICATE_ID = 'spiffe://example.org/workload';

/** Makes the authorities. */
export async function createBadCertificateWorld(): Promise<BadCertificateWorld> {
  const [ca, federated, stranger] = await Promise.all([
    createTestCa({ trustDomain: 'example.org' }),
    createTestCa({ trustDomain: 'federated.example' }),
    createTestCa({ trustDomain: 'stranger.example' }),
  ]);
  return { ca, federated, stranger };
}

/** A chain with its key, in the forms that peers present it in. */
export function present(
  chain: readonly Uint8Array[],
  keys: TestKeys,
  bundles?: readonly X509Bundle[],
): BadPresentation {
  const certificatePem = chain.map((der) => toPem('CERTIFICATE', der)).join('');
  return { chain, certificatePem, keyPem: keys.keyPem, keyDer: keys.keyDer, ...(bundles !== undefined && { bundles }) };
}

/** A leaf of `issuer`, presented with the intermediates that lead to its root. */
export async function presentLeaf(
  issuer: TestCa,
  options: IssueOptions = {},
  bundles?: readonly X509Bundle[],
): Promise<BadPresentation> {
  const { chain, keys } = await issuer.issue(options);
  return present(chain, keys, bundles);
}
