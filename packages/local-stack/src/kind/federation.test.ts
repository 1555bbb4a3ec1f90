import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createClusterLogs } from './cluster-logs.ts';
import { createExtras } from './extras.ts';
import { fakeCluster, impatient, podsDocument } from './fake-cluster.fixture.ts';
import { federate, unfederate } from './federation.ts';
import { createKubectl } from './kubectl.ts';
import { createClusterSpire } from './spire-server.ts';

/** A cluster that behaves; `deaf`: backend never hears of a bundle. */
function start({ deaf = false, federatesWith = [] as readonly string[] } = {}) {
  const state = { federatesWith, told: 0 };
  const resource = () => ({
    metadata: { name: 'spire-mgmt-spire-backend' },
    spec: {
      className: 'countersign',
      podSelector: { matchLabels: { 'app.kubernetes.io/name': 'backend' } },
      federatesWith: state.federatesWith,
    },
  });
  const foreign = { ...resource(), spec: { ...resource().spec, className: 'other' } };
  const cluster = fakeCluster([
    [/get pods/, podsDocument('backend-a')],
    [/get clusterspiffeids/, () => JSON.stringify({ items: [foreign, resource()] })],
    [
      /patch clusterspiffeids.* spire-mgmt-spire-backend /,
      ({ words }) => {
        state.federatesWith = words.includes('partner.example') ? ['partner.example'] : [];
        const trustDomains = ['own.example', ...state.federatesWith];
        state.told += 1;
        if (!deaf) cluster.log('backend-a', 'backend', { event: 'identity', trustDomains, n: state.told });
        return '';
      },
    ],
    [/ -n partner partner-spire-server-0 .* bundle show/, '{"keys":[]}'],
    [/ bundle list/, 'spiffe://partner.example'],
    [/ (kustomize|rollout|apply|delete) | bundle (set|delete) /, ''],
  ]);
  const kubectl = createKubectl(cluster.run);
  const parts = {
    kubectl,
    extras: createExtras(kubectl, {}),
    spire: createClusterSpire(kubectl),
    logs: createClusterLogs(kubectl, { namespace: 'shop' }, ['backend'], impatient),
    print: () => {},
  };
  const order = (...patterns: readonly RegExp[]) =>
    patterns.map((pattern) => cluster.ran.findIndex(({ words }) => pattern.test(words)));
  return { cluster, parts, order };
}

describe('federate', () => {
  it('brings the bundle before the relationship, and both before the entry', async () => {
    const { parts, cluster, order } = start();
    await federate(parts);
    const relationship = cluster.ran.findIndex(({ input }) => input.includes('ClusterFederatedTrustDomain'));
    const [set = -1, patch = -1] = order(/ bundle set .*-id spiffe:\/\/partner\.example/, / patch /);
    assert.ok(set > 0 && set < relationship && relationship < patch, `${set} < ${relationship} < ${patch}`);
    assert.equal(JSON.parse(cluster.ran[relationship]?.input ?? '{}').spec.trustDomainBundle, '{"keys":[]}');
  });
  it('fails when backend does not hear of it', async () =>
    assert.rejects(federate(start({ deaf: true }).parts), { code: 'PART_TIMEOUT' }));
  it('changes no identity that federates already', async () => {
    const { parts, order } = start({ federatesWith: ['partner.example'] });
    await federate(parts);
    assert.deepEqual(order(/ patch /), [-1]);
  });
});

describe('unfederate', () => {
  it('takes the bundle away from backend before it leaves the server', async () => {
    const { parts, order } = start({ federatesWith: ['partner.example'] });
    await unfederate(parts);
    const [patch = -1, resource = -1, bundle = -1] = order(/ patch /, /delete clusterfederated/, /bundle delete/);
    assert.ok(patch > 0 && patch < resource && resource < bundle, `${patch} < ${resource} < ${bundle}`);
  });
  it('fails when backend still has it', async () =>
    assert.rejects(unfederate(start({ deaf: true, federatesWith: ['partner.example'] }).parts), {
      code: 'PART_TIMEOUT',
    }));
});
