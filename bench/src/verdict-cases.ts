/**
 * Chains to pass a verdict on, for us and for go-spiffe alike: none of them is in anybody's cache.
 */
import { loadIdentities } from '@countersign/identities';
import { createTestCa, type TestCa } from '@countersign/testkit';

/** Chains of one shape, as text that goes to another process. */
export interface VerdictCase {
  readonly shape: string;
  readonly peerId: string;
  /** The root. */
  readonly bundlePem: string;
  /** DER in base64, leaf first. */
  readonly chains: ReadonlyArray<readonly string[]>;
}

/** Makes so many chains of each shape. */
export async function createVerdictCases(count: number): Promise<VerdictCase[]> {
  const identities = loadIdentities();
  const { spiffeId } = identities.workload('customer');
  const root = await createTestCa({ trustDomain: identities.trustDomain });
  const shapes: ReadonlyArray<{ shape: string; issuer: () => TestCa | Promise<TestCa> }> = [
    { shape: 'leaf under its root', issuer: () => root },
    { shape: 'leaf, intermediate and root', issuer: () => root.intermediate() },
  ];
  const cases: VerdictCase[] = [];
  for (const { shape, issuer } of shapes) {
    const chains: string[][] = [];
    while (chains.length < count) {
      const { chain } = await (await issuer()).issue({ uris: [spiffeId] });
      chains.push(chain.map((der) => Buffer.from(der).toString('base64')));
    }
    cases.push({ shape, peerId: spiffeId, bundlePem: root.pem, chains });
  }
  return cases;
}
