/**
 * The X.509 authority of a SPIRE server is replaced under a running loop of orders: prepare, activate, taint, revoke. No
 * call fails, every edge ends on SVIDs of the new authority, and the old one leaves every bundle.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { loadIdentities } from '@countersign/identities';
import type { LogRecord, ProgramName, SpireSystem } from '@countersign/local-stack';
import { startOrderLoop } from '../integration/order-loop.ts';
import { recordsFromNow, startTestSpireSystem, untilEveryoneHas } from './spire-system.ts';

const identities = loadIdentities();
const idOf = (name: string) => identities.workload(name).spiffeId;
let system: SpireSystem;

before(async () => {
  // Its own root: `localauthority taint` and `revoke` are for a server without an upstream authority.
  system = await startTestSpireSystem({ root: 'server' });
});

after(() => system?.stop());

/** Every edge of an order, as the log of one of its ends tells which serials were on the wire. */
const EDGES: ReadonlyArray<{ name: string; log: ProgramName; is(record: LogRecord): boolean }> = [
  ...(['https', 'grpc'] as const).map((transport) => ({
    name: `customer -> backend by ${transport}`,
    log: 'backend' as const,
    is: (record: LogRecord) =>
      record['event'] === 'request' && record['peer'] === idOf('customer') && record['transport'] === transport,
  })),
  {
    name: 'backend -> db-client',
    log: 'db-client',
    is: (record) => record['event'] === 'request' && record['peer'] === idOf('backend'),
  },
  {
    name: 'db-client -> postgres',
    log: 'db-client',
    is: (record) => record['event'] === 'verified' && record['transport'] === 'postgres',
  },
];

/** Serials that were on the wire up to now, of both ends of every edge. */
function serialsUsed(): Set<string> {
  const records = EDGES.flatMap(({ log, is }) => system.findLogs(log, is));
  return new Set(records.flatMap((record) => [String(record['self_serial']), String(record['peer_serial'])]));
}

/** Resolves when each edge was used with serials that are in none of the old ones, at both ends. */
async function untilEdgesAreNew(old: ReadonlySet<string>): Promise<void> {
  await Promise.all(
    EDGES.map(({ log, is }) =>
      system.waitForLog(
        log,
        (record) => is(record) && !old.has(String(record['self_serial'])) && !old.has(String(record['peer_serial'])),
        60_000,
      ),
    ),
  );
}

function authority(verb: 'activate' | 'taint' | 'revoke', id: string | undefined): Promise<string> {
  assert.ok(id, `there is an authority to ${verb}`);
  return system.spire.command(['localauthority', 'x509', verb, '-authorityID', id]);
}

test('the X.509 authority is prepared, activated, tainted and revoked under load', async () => {
  const { active: old } = await system.spire.x509Authorities();
  const loop = startOrderLoop(system.customerUrl);
  try {
    await loop.completed(10);
    await untilEveryoneHas(system, 'bundles', () => system.spire.command(['localauthority', 'x509', 'prepare']));
    const { prepared: fresh } = await system.spire.x509Authorities();
    await authority('activate', fresh);
    const used = serialsUsed();
    assert.ok(used.size >= 4, 'an SVID of each of the four was seen');
    await untilEveryoneHas(system, 'svid', () => authority('taint', old));
    await untilEdgesAreNew(used);
    await loop.completed(10);
    await untilEveryoneHas(system, 'bundles', () => authority('revoke', old));
    const revoked = recordsFromNow();
    await loop.completed(20);
    for (const { name, log, is } of EDGES.slice(0, 3))
      assert.ok(system.findLogs(log, (record) => revoked(record) && is(record)).length > 0, `${name} is still used`);
    assert.equal((await system.spire.x509Authorities()).active, fresh);
  } finally {
    await loop.stop();
  }
  assert.deepEqual(loop.failures, [], 'no call may fail');
  assert.ok(loop.succeeded.http > 20 && loop.succeeded.grpc > 20, JSON.stringify(loop.succeeded));
  const bundle = await system.spire.command(['bundle', 'show', '-format', 'pem']);
  assert.equal(bundle.match(/BEGIN CERTIFICATE/g)?.length, 1, 'the old root is gone');
});
