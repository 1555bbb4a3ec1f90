/**
 * The X.509 authority of a SPIRE server is replaced under a running loop of orders: prepare, activate, taint, revoke. No
 * call fails, every edge ends on SVIDs of the new authority, and the old root leaves every bundle. Once where the server is
 * its own root, and once where the root on disk above it is replaced, which SPIRE has commands of its own for.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadIdentities } from '@countersign/identities';
import {
  type LogRecord,
  type ProgramName,
  recordsFromNow,
  rootsOf,
  type SpireAuthority,
  type SpireSystem,
  untilEveryoneHas,
} from '@countersign/local-stack';
import { startOrderLoop } from '../integration/order-loop.ts';
import { startTestSpireSystem } from './spire-system.ts';

const identities = loadIdentities();
const idOf = (name: string) => identities.workload(name).spiffeId;
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
function serialsUsed(system: SpireSystem): Set<string> {
  const records = EDGES.flatMap(({ log, is }) => system.findLogs(log, is));
  return new Set(records.flatMap((record) => [String(record['self_serial']), String(record['peer_serial'])]));
}

/** Resolves when each edge was used with serials that are in none of the old ones, at both ends. */
async function untilEdgesAreNew(system: SpireSystem, old: ReadonlySet<string>): Promise<void> {
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

/** How the two kinds of authority are told apart: what is tainted and revoked, by which name. */
const KINDS = {
  server: {
    prepare: (_system: SpireSystem) => Promise.resolve(),
    command: (verb: string, { id }: SpireAuthority) => ['localauthority', 'x509', verb, '-authorityID', id],
  },
  disk: {
    prepare: (system: SpireSystem) => system.spire.replaceRoot(),
    command: (verb: string, { upstreamKeyId = '' }: SpireAuthority) => [
      'upstreamauthority',
      verb,
      '-subjectKeyID',
      upstreamKeyId,
    ],
  },
};

async function rootsIn(system: SpireSystem): Promise<string[]> {
  const pem = await system.spire.command(['bundle', 'show', '-format', 'pem']);
  return pem.match(/-----BEGIN CERTIFICATE-----[^-]+/g) ?? [];
}

for (const root of ['server', 'disk'] as const) {
  test(`with the root of ${root}, the authority is prepared, activated, tainted and revoked under load`, async () => {
    await using system = await startTestSpireSystem({ root });
    const { prepare, command } = KINDS[root];
    const tell = (verb: string, authority: SpireAuthority | undefined) => {
      assert.ok(authority, `there is an authority to ${verb}`);
      return system.spire.command(command(verb, authority));
    };
    const { active: old } = await system.spire.x509Authorities();
    const [oldRoot] = await rootsIn(system);
    const loop = startOrderLoop(system.customerUrl);
    try {
      await loop.completed(10);
      await prepare(system);
      await untilEveryoneHas(system, 'bundles', () => system.spire.command(['localauthority', 'x509', 'prepare']));
      const { prepared: fresh } = await system.spire.x509Authorities();
      assert.ok(fresh);
      await system.spire.command(['localauthority', 'x509', 'activate', '-authorityID', fresh.id]);
      const used = serialsUsed(system);
      assert.ok(used.size >= 4, 'an SVID of each of the four was seen');
      await untilEveryoneHas(system, 'svid', () => tell('taint', old));
      await untilEdgesAreNew(system, used);
      await loop.completed(10);
      await untilEveryoneHas(system, 'bundles', () => tell('revoke', old));
      const revoked = recordsFromNow();
      await loop.completed(20);
      for (const { name, log, is } of EDGES.slice(0, 3))
        assert.ok(system.findLogs(log, (record) => revoked(record) && is(record)).length > 0, `${name} is still used`);
      assert.equal((await system.spire.x509Authorities()).active?.id, fresh.id);
    } finally {
      await loop.stop();
    }
    assert.deepEqual(loop.failures, [], 'no call may fail');
    assert.ok(loop.succeeded.http > 20 && loop.succeeded.grpc > 20, JSON.stringify(loop.succeeded));
    const roots = await rootsIn(system);
    assert.equal(roots.length, 1);
    assert.notEqual(roots[0], oldRoot, 'the old root is gone');
  });
}
