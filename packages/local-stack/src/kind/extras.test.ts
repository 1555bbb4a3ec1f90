import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createExtras, imagesIn, withImages } from './extras.ts';
import { fakeCluster } from './fake-cluster.fixture.ts';
import { isOurs } from './images.ts';
import { createKubectl } from './kubectl.ts';

const manifest =
  'spec:\n  containers:\n  - image: countersign/customer\n    name: rogue\n  - name: other\n    image: ghcr.io/spiffe/spire-server:1.15.2\n';
const sources = {
  'countersign/customer': { namespace: 'shop', workload: 'deploy/customer' },
  'ghcr.io/spiffe/spire-server': { namespace: 'spire-server', workload: 'statefulset/spire-server' },
};
const workload = (name: string, image: string) =>
  JSON.stringify({
    spec: {
      template: {
        spec: {
          containers: [
            { name: 'sidecar', image: 'x' },
            { name, image },
          ],
        },
      },
    },
  });

describe('extra parts', () => {
  it('run the images that their neighbours run', async () => {
    const cluster = fakeCluster([
      [/ kustomize .*\/kind\/extras\/rogue$/, manifest],
      [/get -n shop deploy\/customer/, workload('customer', 'localhost:5001/countersign/customer:abc')],
      [/get -n spire-server statefulset\/spire-server/, workload('spire-server', 'mirror/spire-server@sha256:00')],
      [/ apply /, ''],
    ]);
    await createExtras(createKubectl(cluster.run), sources).add('rogue');
    const applied = cluster.ran.at(-1)?.input ?? '';
    assert.deepEqual(imagesIn(applied), ['localhost:5001/countersign/customer:abc', 'mirror/spire-server@sha256:00']);
  });

  it('are not applied with an image that nobody runs', async () => {
    const cluster = fakeCluster([[/ kustomize /, 'image: someone/else:1\n']]);
    await assert.rejects(createExtras(createKubectl(cluster.run), sources).add('rogue'), {
      code: 'CLUSTER_FAILED',
      message: /someone\/else/,
    });
  });

  it('find images with and without tag, digest and port', () => {
    const images = new Map([['countersign/customer', 'localhost:5001/c:1']]);
    assert.deepEqual(imagesIn(withImages(manifest, images)), [
      'localhost:5001/c:1',
      'ghcr.io/spiffe/spire-server:1.15.2',
    ]);
    const ours = [
      'countersign/backend',
      'docker.io/countersign/backend:dev',
      'postgres:18',
      'localhost/countersign-ci/postgres:18',
    ];
    assert.deepEqual(ours.map(isOurs), [true, true, false, false]);
  });
});
