/**
 * SVIDs with a life of less than a minute, under load: every edge is used with new ones, PostgreSQL's too, which spiffe-helper
 * writes and a SIGHUP has it read; no call fails, and PostgreSQL's sessions go on.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Cluster, openCluster } from './suite/cluster.ts';
import { restart } from './suite/deployments.ts';
import { serialsOf, untilReplaced } from './suite/edge-serials.ts';
import { eventually } from './suite/eventually.ts';
import { openEdge } from './suite/forward.ts';
import { underLoad } from './suite/load.ts';
import { ADDRESSES, identities, idOf, RUNNING } from './suite/names.ts';
import { startProbe } from './suite/probe.ts';
import { withTtl } from './suite/spire.ts';
import { startTwin } from './suite/twin.ts';
import { certificateOf } from './suite/wire.ts';

/** Renewed at half of it. */
const SHORT = '40s';
const WITHIN_MS = 60_000;

let cluster: Cluster;

before(async () => {
  cluster = await openCluster();
});

after(() => cluster?.[Symbol.asyncDispose]());

const postgresSerial = async () => (await certificateOf('pod/postgres-0', 5432, 'postgresql')).serial;

test('PostgreSQL reads its renewed certificate, and the sessions that it has go on', async (t) => {
  const options = { name: 'sessions', of: 'db-client', serviceAccount: 'auditor', idle: true };
  await using auditor = await startTwin(cluster.api, options);
  await auditor.ready();
  await using probe = startProbe(auditor.pod, auditor.container);
  const sessions = async () => {
    const { status, text, rows } = await probe.ask({
      what: 'postgres',
      address: ADDRESSES.postgres.postgres,
      serverId: idOf('postgres'),
      user: identities.workload('auditor').postgresRole ?? '',
      database: 'orders',
      sql: 'SELECT pid::text FROM pg_stat_activity WHERE usename = $1',
      values: [identities.workload('db-client').postgresRole ?? ''],
      presenting: 'current',
    });
    assert.equal(status, 'OK', text);
    return new Set(rows?.map(({ pid }) => String(pid)));
  };
  await underLoad(t, cluster, async (load) => {
    const [before, serial] = [await sessions(), await postgresSerial()];
    assert.ok(before.size > 0, 'db-client is logged in');
    await withTtl(cluster.api, { workloads: ['postgres'], ttl: SHORT }, async () => {
      await eventually(WITHIN_MS, async () =>
        assert.notEqual(await postgresSerial(), serial, 'the serial on the wire'),
      );
      await cluster.logs.waitFor('postgres', ({ message }) => /received SIGHUP/.test(String(message)));
      await load.succeeded(10);
      const kept = [...(await sessions())].filter((pid) => before.has(pid));
      assert.ok(kept.length > 0, `none of the sessions ${[...before].join()} is still there`);
    });
  });
});

test('every edge goes on to new SVIDs, more than once, and no call fails', async (t) => {
  await withTtl(cluster.api, { workloads: RUNNING, ttl: SHORT }, async () => {
    // Connections are kept for a part of the life that their SVID had when they were made: until now that was an hour.
    await restart(cluster.api, 'customer');
    await using edge = await openEdge();
    await underLoad(t, { api: cluster.api, edge }, async (load) => {
      const postgres = await postgresSerial();
      const first = await untilReplaced(cluster.logs, serialsOf(cluster.logs), WITHIN_MS);
      await untilReplaced(cluster.logs, first, WITHIN_MS);
      await eventually(WITHIN_MS, async () => assert.notEqual(await postgresSerial(), postgres));
      await load.succeeded(10);
    });
  });
});
