import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { loadIdentities } from '@countersign/identities';
import { findClusterSpiffeId, untilIdentities } from './cluster-identities.ts';
import { fakeCluster, impatient } from './fake-cluster.fixture.ts';
import { createKubectl } from './kubectl.ts';

const identities = loadIdentities();

interface Options {
  readonly className?: string;
  readonly failures?: number;
}

function resource(workload: string, { className = 'countersign', failures }: Options = {}) {
  return {
    metadata: { name: `spire-mgmt-spire-${workload}` },
    spec: { className, podSelector: { matchLabels: { 'app.kubernetes.io/name': workload } } },
    ...(failures === undefined ? {} : { status: { stats: { podEntryRenderFailures: failures } } }),
  };
}

const kubectlWith = (...items: readonly object[]) =>
  createKubectl(fakeCluster([[/get clusterspiffeids/, JSON.stringify({ items })]]).run);
const all = identities.names().map((name) => resource(name));

describe('identities on the cluster', () => {
  it('are there when each workload has one', async () => {
    assert.equal(await untilIdentities(kubectlWith(...all), identities, impatient), identities.names().length);
  });

  const cases: Array<[name: string, items: readonly object[], message: RegExp]> = [
    ['one is missing', all.slice(1), /: 0 ClusterSPIFFEIDs/],
    ['one is there twice', [...all, resource('backend')], /backend: 2 ClusterSPIFFEIDs/],
    ['one is of another class', [...all.slice(1), resource('customer', { className: 'other' })], /customer: 0/],
    ['one can not be rendered', [...all.slice(1), resource('customer', { failures: 2 })], /customer: 2 entries failed/],
  ];
  for (const [name, items, message] of cases)
    it(`are not when ${name}`, async () =>
      assert.rejects(untilIdentities(kubectlWith(...items), identities, impatient), {
        code: 'CLUSTER_FAILED',
        message,
      }));

  it('are found by what they select', async () => {
    const found = await findClusterSpiffeId(
      kubectlWith(...all, resource('backend', { className: 'other' })),
      'backend',
    );
    assert.deepEqual(found['metadata'], { name: 'spire-mgmt-spire-backend' });
    await assert.rejects(findClusterSpiffeId(kubectlWith(), 'backend'), { code: 'CLUSTER_FAILED' });
  });
});
