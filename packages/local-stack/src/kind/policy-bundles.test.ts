import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { createExplainer } from '@countersign/authz';
import { loadIdentities } from '@countersign/identities';
import { createClusterLogs } from './cluster-logs.ts';
import { fakeCluster, impatient, podsDocument } from './fake-cluster.fixture.ts';
import { createKubectl } from './kubectl.ts';
import { bundleWithoutOrders, committedBundle, revisionOf } from './policy-bundles.ts';
import { createPolicyConfigMap } from './policy-config-map.ts';

const identities = loadIdentities();
const customer = identities.workload('customer').spiffeId;
const folder = mkdtempSync(join(tmpdir(), 'policy-bundles-'));
after(() => rmSync(folder, { recursive: true }));

/** What the real engine says of a call of customer's to backend, by a bundle. */
async function decide(bundle: Buffer, operation: string): Promise<boolean> {
  writeFileSync(join(folder, 'bundle.tar.gz'), bundle);
  const { explain } = await createExplainer(bundle);
  const [method = '', path = ''] = operation.split(' ');
  return explain({
    transport: 'http',
    operation,
    http: { method, path: path.split('/').slice(1) },
    self: { spiffe_id: identities.workload('backend').spiffeId },
    peer: { spiffe_id: customer, trust_domain: identities.trustDomain, path: customer.split('/').slice(3) },
    chain: [],
    time: '2026-01-02T03:04:05.678Z',
  }).result.allow;
}

describe('the bundle without orders', () => {
  const swapped = bundleWithoutOrders(identities);
  it('has a revision of its own', () => {
    assert.equal(revisionOf(swapped), `${revisionOf(committedBundle())}+without-orders`);
  });
  it('denies what the committed one allows, and no more', async () => {
    assert.equal(await decide(committedBundle(), 'POST /orders'), true);
    assert.equal(await decide(swapped, 'POST /orders'), false);
    assert.equal(await decide(swapped, 'GET /orders'), true);
  });
});

describe('the ConfigMap', () => {
  function policyOf(holds: Buffer, loads: string) {
    const cluster = fakeCluster([
      [/get pods/, podsDocument('backend-a')],
      [/get configmap policy/, JSON.stringify({ binaryData: { 'bundle.tar.gz': holds.toString('base64') } })],
      [/ apply /, ''],
      [
        /annotate pods/,
        () => {
          cluster.log('backend-a', 'backend', { event: 'policy', state: 'loaded', revision: loads });
          return '';
        },
      ],
    ]);
    const kubectl = createKubectl(cluster.run);
    const logs = createClusterLogs(kubectl, identities, ['backend'], impatient);
    return { cluster, policy: createPolicyConfigMap(kubectl, identities, logs) };
  }
  const other = bundleWithoutOrders(identities);

  it('is written, and every pod has loaded it', async () => {
    const { cluster, policy } = policyOf(committedBundle(), revisionOf(other));
    assert.equal(await policy.write(other), revisionOf(other));
    const applied = cluster.ran.find(({ words }) => words.includes(' apply '));
    assert.deepEqual(JSON.parse(applied?.input ?? '').binaryData, { 'bundle.tar.gz': other.toString('base64') });
  });
  it('fails when a pod loads another', async () => {
    const { policy } = policyOf(committedBundle(), 'another');
    await assert.rejects(policy.write(other), { code: 'PART_TIMEOUT' });
  });
  it('is left alone when it holds the bundle already', async () => {
    const { cluster, policy } = policyOf(other, 'none');
    await policy.write(other);
    assert.ok(cluster.ran.every(({ words }) => !words.includes(' apply ')));
  });
});
