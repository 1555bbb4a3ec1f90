/**
 * The authority of SPIRE's server is replaced under load, by the action that people have for it: prepare, activate, taint,
 * revoke. No call fails, every end has SVIDs of the new one, and who copied an SVID before is refused with it afterwards.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { runAction } from './suite/actions.ts';
import { type Cluster, openCluster } from './suite/cluster.ts';
import { onlyNewOnes, restart } from './suite/deployments.ts';
import { serialsOf, untilReplaced } from './suite/edge-serials.ts';
import { eventually } from './suite/eventually.ts';
import { openEdge } from './suite/forward.ts';
import { underLoad } from './suite/load.ts';
import { ADDRESSES, idOf, RUNNING } from './suite/names.ts';
import { isRefusalOf, type Probe, startProbe } from './suite/probe.ts';
import type { Presenting } from './suite/probe-protocol.ts';
import { assertWebhookWorks, spireServer, withTtl } from './suite/spire.ts';
import { startTwin, type Twin } from './suite/twin.ts';
import { certificateOf } from './suite/wire.ts';

let cluster: Cluster;
let auditor: Twin;
let thief: Probe;

before(async () => {
  cluster = await openCluster();
  auditor = await startTwin(cluster.api, { name: 'kept', of: 'customer', serviceAccount: 'auditor', idle: true });
  await auditor.ready();
  thief = startProbe(auditor.pod, auditor.container);
});

after(async () => {
  await thief?.[Symbol.asyncDispose]();
  await auditor?.[Symbol.asyncDispose]();
  await cluster?.[Symbol.asyncDispose]();
});

function readOrders(presenting: Presenting) {
  const serverId = idOf('backend');
  return thief.ask({
    what: 'https',
    address: ADDRESSES.https.backend,
    serverId,
    path: '/orders?page_size=1',
    presenting,
  });
}

/** What every bundle of ours has. */
async function roots(): Promise<readonly string[]> {
  return (
    (await spireServer.command(['bundle', 'show', '-format', 'pem'])).match(/-----BEGIN CERTIFICATE-----[^-]+/g) ?? []
  );
}

const postgresSerial = async () => (await certificateOf('pod/postgres-0', 5432, 'postgresql')).serial;

test('the X.509 authority is prepared, activated, tainted and revoked under load', async (t) => {
  const { svid: kept } = await thief.ask({ what: 'keep' });
  assert.ok(kept);
  const copied = await readOrders('kept');
  assert.equal(copied.status, '200', `the copy is as good as the original: ${copied.text}`);
  const { active: old } = await spireServer.x509Authorities();
  const oldRoots = await roots();
  assert.ok(old);
  // Connections are kept for a part of the life that their SVID had when they were made: of an hour that is minutes.
  await withTtl(cluster.api, { workloads: RUNNING, ttl: '2m' }, async () => {
    // So each client begins anew with a short one, after its server, and the action need not wait for those minutes.
    for (const name of ['db-client', 'backend', 'customer']) {
      await restart(cluster.api, name);
      await onlyNewOnes(cluster.api, name);
    }
    await using edge = await openEdge();
    await underLoad(t, { api: cluster.api, edge }, async (load) => {
      const [before, postgres] = [serialsOf(cluster.logs), await postgresSerial()];
      await runAction('roll-ca');
      await untilReplaced(cluster.logs, before, 60_000);
      await eventually(60_000, async () => assert.notEqual(await postgresSerial(), postgres));
      await load.succeeded(10);
    });
  });
  assert.notEqual((await spireServer.x509Authorities()).active?.id, old.id);
  const left = await roots();
  assert.equal(left.length, 1);
  assert.notDeepEqual(left, oldRoots, 'the old root is in no bundle any more');
  assert.equal((await readOrders('current')).status, '200', 'with its own new SVID');
  await assertWebhookWorks(cluster.api);
  const refused = await readOrders('kept');
  assert.notEqual(refused.status, '200');
  const record = await cluster.logs.waitFor('backend', isRefusalOf(refused));
  assert.equal(record['code'], 'UNTRUSTED_CHAIN', refused.text);
  assert.equal(record['peerId'], idOf('auditor'));
  assert.ok(Date.now() < kept.notAfterMs, 'it was still within its life');
});
