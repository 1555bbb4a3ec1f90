import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createClusterLogs, hasNew } from './cluster-logs.ts';
import { fakeCluster, impatient, podsDocument } from './fake-cluster.fixture.ts';
import { createKubectl } from './kubectl.ts';

const identity = (svid: boolean, bundles: boolean, serialNumber = '01') => ({
  event: 'identity',
  type: 'update',
  serialNumber,
  changed: { svid, bundles },
});

function clusterOf(pods: string) {
  const cluster = fakeCluster([[/get pods/, pods]]);
  const logs = createClusterLogs(createKubectl(cluster.run), { namespace: 'shop' }, ['backend', 'postgres'], impatient);
  return { cluster, logs };
}

describe('waiting for each pod', () => {
  it('takes the lines that come after the change, of every pod', async () => {
    const { cluster, logs } = clusterOf(podsDocument('backend-a', 'backend-b', 'postgres-0'));
    cluster.log('backend-a', 'backend', identity(true, true));
    const found = await logs.untilEachHas(hasNew('svid'), async () => {
      cluster.log('backend-a', 'backend', identity(true, false, '02'));
      cluster.log('backend-b', 'backend', identity(true, false, '03'));
      cluster.log('postgres-0', 'spiffe-helper', 'time="..." level=info msg="X.509 certificates updated"');
    });
    assert.deepEqual(
      found.map(({ pod, record }) => [pod, record?.['serialNumber']]),
      [
        ['backend-a', '02'],
        ['backend-b', '03'],
        ['postgres-0', undefined],
      ],
    );
  });

  it('does not take what was there before, nor another change, nor another pod', async () => {
    const { cluster, logs } = clusterOf(podsDocument('backend-a', 'backend-b'));
    cluster.log('backend-a', 'backend', identity(true, false));
    const waiting = logs.untilEachHas(hasNew('svid'), async () => {
      cluster.log('backend-a', 'backend', identity(false, true));
      cluster.log('backend-new', 'backend', identity(true, false, '04'));
      cluster.log('backend-b', 'backend', identity(true, false, '05'));
    });
    await assert.rejects(waiting, { code: 'PART_TIMEOUT', message: /in backend-a$/ });
  });

  it('passes over a pod that is going', async () => {
    const going = { metadata: { name: 'backend-old', deletionTimestamp: 'now' }, status: { phase: 'Running' } };
    const { cluster, logs } = clusterOf(
      JSON.stringify({ items: [going, ...JSON.parse(podsDocument('backend-a')).items] }),
    );
    const found = await logs.untilEachHas(hasNew('bundles'), async () => {
      cluster.log('backend-a', 'backend', identity(false, true));
    });
    assert.deepEqual(
      found.map(({ pod }) => pod),
      ['backend-a'],
    );
  });

  it('is refused where no pod runs: nothing would ever be heard', async () => {
    const { logs } = clusterOf(podsDocument());
    const change = () => assert.fail('nothing is changed then');
    await assert.rejects(
      logs.untilEachHas(() => true, change),
      { code: 'CLUSTER_FAILED', message: /no pod of backend/ },
    );
  });

  it('asks our own context alone', async () => {
    const { cluster, logs } = clusterOf(podsDocument('backend-a'));
    await logs.read();
    assert.ok(cluster.ran.every(({ words }) => words.startsWith('kubectl --context kind-countersign ')));
  });
});
