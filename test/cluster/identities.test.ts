/**
 * Who has which identity: exactly those of `identities.json`, each by its ServiceAccount and the label of its workload, as the
 * server registered it and as it is on the wire; and a pod gets one, and loses it, as its ClusterSPIFFEID comes and goes.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { call } from '../integration/json-client.ts';
import { type Cluster, openCluster } from './suite/cluster.ts';
import { eventually } from './suite/eventually.ts';
import { openLogs } from './suite/logs.ts';
import { identities, idOf, RUNNING } from './suite/names.ts';
import { isReady, podsOf } from './suite/objects.ts';
import { startProbe } from './suite/probe.ts';
import {
  addClusterSpiffeId,
  clusterSpiffeIdOf,
  clusterSpiffeIds,
  removeClusterSpiffeId,
  workloadEntries,
} from './suite/spire.ts';
import { startTwin } from './suite/twin.ts';
import { certificateOf } from './suite/wire.ts';

let cluster: Cluster;

before(async () => {
  cluster = await openCluster();
});

after(() => cluster?.[Symbol.asyncDispose]());

test('there is one ClusterSPIFFEID a workload, none is a fallback, and each asks for the ServiceAccount', async () => {
  const all = await clusterSpiffeIds(cluster.api);
  for (const name of identities.names()) {
    const { spec } = await clusterSpiffeIdOf(cluster.api, name);
    assert.deepEqual(spec.workloadSelectorTemplates, [`k8s:ns:${identities.namespace}`, `k8s:sa:${name}`]);
  }
  assert.equal(all.length, identities.names().length, all.map(({ metadata }) => metadata.name).join());
  assert.deepEqual(
    all.filter(({ spec }) => spec.fallback === true),
    [],
  );
});

test('every pod that runs has one entry, of its own ServiceAccount, and there is no other entry', async () => {
  const pods = (await Promise.all(RUNNING.map((name) => podsOf(cluster.api, name)))).flat();
  assert.equal(pods.length, 5);
  const entries = await workloadEntries();
  for (const { metadata, spec } of pods) {
    const own = entries.filter(({ selectors }) => selectors.includes(`k8s:pod-uid:${metadata.uid}`));
    const account = spec.serviceAccountName ?? '';
    assert.deepEqual(
      own.map(({ spiffeId }) => spiffeId),
      [idOf(account)],
      metadata.name,
    );
    assert.ok(own[0]?.selectors.includes(`k8s:sa:${account}`), `${own[0]?.selectors.join()}`);
    assert.deepEqual(own[0]?.dnsNames, [identities.workload(account).dnsName]);
  }
  const known = new Set(identities.names().map(idOf));
  assert.deepEqual(
    entries.filter(({ spiffeId }) => !known.has(spiffeId)),
    [],
  );
});

const SERVERS = [
  { target: 'deployment/backend', workload: 'backend', port: 8443, alpn: 'http/1.1' },
  { target: 'deployment/backend', workload: 'backend', port: 9443, alpn: 'h2' },
  { target: 'deployment/db-client', workload: 'db-client', port: 9444, alpn: 'h2' },
  { target: 'pod/postgres-0', workload: 'postgres', port: 5432, alpn: 'postgresql' },
];
for (const { target, workload, port, alpn } of SERVERS) {
  test(`${workload} presents its own SVID on port ${port}, with its name as CN`, async () => {
    const { spiffeId, commonName, dnsNames } = await certificateOf(target, port, alpn);
    const { dnsName } = identities.workload(workload);
    assert.deepEqual(
      { spiffeId, commonName, dnsNames },
      { spiffeId: idOf(workload), commonName: dnsName, dnsNames: [dnsName] },
    );
  });
}

test('customer says the same of itself', async () => {
  const { status, body } = await call(`${cluster.edge.url}/api/identity`);
  assert.equal(status, 200);
  const { dnsName } = identities.workload('customer');
  assert.equal(body?.['spiffe_id'], idOf('customer'));
  assert.deepEqual(body['dns_sans'], [dnsName]);
  assert.match(String(body['subject']), new RegExp(`CN=${dnsName.replaceAll('.', '\\.')}`));
});

test("a pod with backend's label and another ServiceAccount gets no identity, and no traffic", async () => {
  const options = { name: 'backend-by-label', of: 'backend', serviceAccount: 'rogue', workload: 'backend' };
  await using twin = await startTwin(cluster.api, options);
  const denied = await cluster.logs.waitFor(
    'backend',
    ({ pod, event, type }) => pod === twin.pod && event === 'identity' && type === 'error',
    60_000,
  );
  assert.match(JSON.stringify(denied), /PERMISSION_DENIED: no identity issued/);
  // The server knows of the pod by now, and its agent, too: what it was registered as needs the other ServiceAccount.
  const { metadata } = await twin.current();
  await eventually(30_000, async () => {
    const own = (await workloadEntries()).filter(({ selectors }) => selectors.includes(`k8s:pod-uid:${metadata.uid}`));
    assert.equal(own.length, 1);
    assert.ok(own[0]?.selectors.includes('k8s:sa:backend'), own[0]?.selectors.join());
  });
  // A pod that is registered later has its identity by now: so the agent has heard of this one, too.
  await using later = await startTwin(cluster.api, { name: 'later', of: 'customer', serviceAccount: 'auditor' });
  await later.ready();
  const got = cluster.logs.find('backend', ({ pod, spiffeId }) => pod === twin.pod && spiffeId !== undefined);
  assert.deepEqual(got, [], 'no identity');
  assert.equal(isReady(await twin.running()), false, 'not ready');
});

test('a pod without an entry becomes ready when its ClusterSPIFFEID appears, and loses it with it', async () => {
  const { api } = cluster;
  await using logs = await openLogs(api, ['newcomer']);
  await removeClusterSpiffeId(api, 'newcomer');
  const options = { name: 'newcomer', of: 'customer', serviceAccount: 'auditor', workload: 'newcomer' };
  await using twin = await startTwin(api, options);
  const denied = await logs.waitFor('newcomer', ({ event, type }) => event === 'identity' && type === 'error', 60_000);
  assert.match(JSON.stringify(denied), /PERMISSION_DENIED: no identity issued/);
  assert.equal(isReady(await twin.running()), false);
  try {
    await addClusterSpiffeId(api, await clusterSpiffeIdOf(api, 'auditor'), {
      from: 'auditor',
      to: 'newcomer',
      name: 'newcomer',
    });
    const issued = await logs.waitFor(
      'newcomer',
      ({ event, type }) => event === 'identity' && type === 'update',
      60_000,
    );
    assert.equal(issued['spiffeId'], idOf('auditor'), 'the ServiceAccount, not the label, says who it is');
    await twin.ready();
  } finally {
    await removeClusterSpiffeId(api, 'newcomer');
  }
  await logs.waitFor('newcomer', ({ event, type }) => event === 'identity' && type === 'withdrawn', 60_000);
  await eventually(30_000, async () => assert.equal(isReady(await twin.current()), false, 'not ready any more'));
});

test('auditor and rogue have identities as well, of their own', async () => {
  for (const serviceAccount of ['auditor', 'rogue']) {
    const options = { name: `identity-of-${serviceAccount}`, of: 'customer', serviceAccount, idle: true };
    await using twin = await startTwin(cluster.api, options);
    await twin.ready();
    await using probe = startProbe(twin.pod, twin.container);
    const { spiffeId, dnsNames, subject } = await probe.identity();
    const { dnsName } = identities.workload(serviceAccount);
    assert.deepEqual({ spiffeId, dnsNames }, { spiffeId: idOf(serviceAccount), dnsNames: [dnsName] });
    assert.match(subject, new RegExp(`CN=${dnsName.replaceAll('.', '\\.')}`));
  }
});
