/**
 * A CA for one run, and the SVIDs of customer and backend: EC P-256 keys, leaf directly under the root, as the embedded trust
 * domain and a plain SPIRE issue them. The names are those of identities.json, so that the committed policy grants the call.
 */
import { loadIdentities, type Workload } from '@countersign/identities';
import { createTestCa, type TestCa } from '@countersign/testkit';
import type { Credentials } from './credentials.ts';

/** Both ends of every connection of a run. */
export interface RunCredentials {
  readonly client: Credentials;
  readonly server: Credentials;
}

export async function createRunCredentials(): Promise<RunCredentials> {
  const identities = loadIdentities();
  const ca = await createTestCa({ trustDomain: identities.trustDomain });
  const customer = identities.workload('customer');
  const backend = identities.workload('backend');
  return { client: await issueFor(ca, customer, backend), server: await issueFor(ca, backend, customer) };
}

/** Callers in a row before `backend`, for chains of one, two and four links. */
export async function createChainCallers(): Promise<Array<{ callers: Credentials[]; serverId: string }>> {
  const identities = loadIdentities();
  const ca = await createTestCa({ trustDomain: identities.trustDomain });
  const server = identities.workload('backend');
  const others = ['customer', 'auditor', 'db-client', 'rogue'].map((name) => identities.workload(name));
  return Promise.all(
    [1, 2, 4].map(async (length) => {
      const callers = await Promise.all(others.slice(0, length).map((caller) => issueFor(ca, caller, server)));
      return { callers, serverId: server.spiffeId };
    }),
  );
}

async function issueFor(ca: TestCa, self: Workload, peer: Workload): Promise<Credentials> {
  const issued = await ca.issue({ uris: [self.spiffeId], dnsNames: [self.dnsName] });
  return {
    spiffeId: self.spiffeId,
    certificatePem: issued.certificatePem,
    privateKeyPem: issued.keyPem,
    bundlePem: ca.pem,
    peerId: peer.spiffeId,
    peerDnsName: peer.dnsName,
  };
}
