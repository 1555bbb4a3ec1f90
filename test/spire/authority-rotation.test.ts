/**
 * The authorities of a SPIRE server that is its own root are replaced under a running loop of orders: prepare, activate,
 * taint, revoke. No call fails, every edge ends on SVIDs of the new X.509 authority, and the old root leaves every bundle;
 * no token is refused while it is good, and each is once its key is revoked. Orders keep their verified origin throughout, and
 * whoever copied an SVID with its key before is refused afterwards on every way in, links of a caller chain included. Where the root is on disk above the server,
 * SPIRE has commands of its own: `rotation.test.ts` of the integration suite.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { loadIdentities } from '@countersign/identities';
import {
  findRunningSystem,
  type LogRecord,
  openWorkloadSocket,
  type ProgramName,
  recordsFromNow,
  rootsOf,
  type SpireAuthority,
  type SpireSystem,
  untilEveryoneHas,
} from '@countersign/local-stack';
import { TrustDomain, type X509Context } from '@countersign/spiffe-tls';
import { startOrderLoop } from '../integration/order-loop.ts';
import { watchOrigins } from '../integration/order-origins.ts';
import { type JwtLoop, startJwtLoop } from './jwt-loop.ts';
import {
  type EveryIdentity,
  entryOf,
  isRefusalOf,
  keepAll,
  openEveryIdentity,
  presenting,
  tryEveryWay,
  tryKeptLinks,
} from './kept-identities.ts';
import { startTestSpireSystem } from './spire-system.ts';

const identities = loadIdentities();
const idOf = (name: string) => identities.workload(name).spiffeId;
const origins = watchOrigins();
let system: SpireSystem;

before(async () => {
  // What is kept before the change is to be good for longer than the change takes: the authority alone shall be against it.
  system = await startTestSpireSystem({ root: 'server', svidTtlMs: 120_000, onRecord: origins.onRecord });
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

test('T30 the X.509 authority is prepared, activated, tainted and revoked under load', async () => {
  const tell = (verb: string, authority: SpireAuthority | undefined) => {
    assert.ok(authority, `there is an authority to ${verb}`);
    return system.spire.command(['localauthority', 'x509', verb, '-authorityID', authority.id]);
  };
  const { active: old } = await system.spire.x509Authorities();
  const [oldRoot] = await rootsOf(system.spire);
  await using identities = await openEveryIdentity(system);
  const loop = startOrderLoop(system.customerUrl);
  try {
    await loop.completed(10);
    await untilEveryoneHas(system, 'bundles', () => system.spire.command(['localauthority', 'x509', 'prepare']));
    const { prepared: fresh } = await system.spire.x509Authorities();
    const kept = keepAll(identities);
    await assertAccepted(identities, kept);
    await tell('activate', fresh);
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
    assert.equal((await system.spire.x509Authorities()).active?.id, fresh?.id);
    await assertRefused(identities, kept);
  } finally {
    await loop.stop();
  }
  assert.deepEqual(loop.failures, [], 'no call may fail');
  origins.assertFromCustomer(40);
  assert.ok(loop.succeeded.http > 20 && loop.succeeded.grpc > 20, JSON.stringify(loop.succeeded));
  const roots = await rootsOf(system.spire);
  assert.equal(roots.length, 1);
  assert.notEqual(roots[0], oldRoot, 'the old root is gone');
});

/** Before: what was kept is as good as the original, links too; so it is the authority's end that is to stop it. */
async function assertAccepted({ sources }: EveryIdentity, kept: ReadonlyMap<string, X509Context>): Promise<void> {
  assert.ok(kept.size >= 7, [...kept.keys()].join());
  const copyOf = (name: string) => presenting(entryOf(kept, name), entryOf(sources, name));
  const seenAs = async (name: string) => (await tryEveryWay(system, copyOf(name))).map(({ seen }) => seen.status);
  assert.deepEqual((await seenAs('customer')).slice(0, 2), [200, 'OK']);
  assert.equal((await seenAs('backend'))[2], 'PERMISSION_DENIED', 'let in, and asked for a chain');
  assert.equal((await seenAs('db-client'))[3], 'logged in');
  const links = await tryKeptLinks(system, sources, kept);
  for (const [name, { status, text }] of Object.entries(links))
    assert.ok(status === 201 || status === 'OK', `${name}: ${status} ${text}`);
}

/** After: each identity on each way in, and its links on connections that are good. */
async function assertRefused({ sources }: EveryIdentity, kept: ReadonlyMap<string, X509Context>): Promise<void> {
  const links = await tryKeptLinks(system, sources, kept);
  for (const [name, { status, code, decisionId }] of Object.entries(links)) {
    assert.equal(code, 'CHAIN_SIGNER_UNTRUSTED', name);
    assert.ok(status === 401 || status === 'UNAUTHENTICATED', `${name}: ${status}`);
    assert.ok(decisionId, name);
  }
  for (const [name, { svid }] of kept)
    for (const attempt of await tryEveryWay(system, presenting(entryOf(kept, name), entryOf(sources, name)))) {
      const record = await system.waitForLog(attempt.log, isRefusalOf(attempt));
      const how = `${name}, ${attempt.way} to ${attempt.log}: ${attempt.seen.status} ${attempt.seen.text}`;
      assert.equal(record['code'], 'UNTRUSTED_CHAIN', how);
      if (attempt.log !== 'postgres') assert.equal(record['peerId'], idOf(name), how);
      assert.ok(Date.now() < svid.leaf.notAfterMs, `${how}: it was still within its life`);
    }
}

test('the JWT authority is prepared, activated, tainted and revoked while tokens are fetched and validated', async () => {
  const command = (...args: string[]) => system.spire.command(['localauthority', 'jwt', ...args]);
  await using socket = await openWorkloadSocket(findRunningSystem(system.stateDirectory), 'auditor');
  const orders = startOrderLoop(system.customerUrl);
  const tokens = await startJwtLoop(socket.endpoint);
  try {
    const old = await tokens.signedByOther('');
    const { active } = await system.spire.jwtAuthorities();
    assert.equal(active?.id, old.keyId, "an authority's ID is the key ID of its tokens");
    await command('prepare');
    await untilKeys(tokens, (keyIds) => keyIds.length === 2 && keyIds.includes(old.keyId));
    const { prepared } = await system.spire.jwtAuthorities();
    assert.ok(prepared);
    await command('activate', '-authorityID', prepared.id);
    const replaced = tokens.signedByOther(old.keyId);
    await command('taint', '-authorityID', old.keyId);
    assert.equal((await replaced).keyId, prepared.id, 'an agent signs anew what a tainted key had signed');
    assert.deepEqual(await tokens.refusalsOf(old.token), { offline: 'accepted', delegated: 'accepted' });
    await command('revoke', '-authorityID', old.keyId);
    await untilKeys(tokens, (keyIds) => keyIds.length === 1 && keyIds[0] === prepared.id);
    assert.deepEqual(await tokens.refusalsOf(old.token), { offline: 'JWT_KEY_UNKNOWN', delegated: 'JWT_REFUSED' });
    const { keyId } = await tokens.signedByOther('');
    assert.equal(keyId, prepared.id);
    await orders.completed(20);
  } finally {
    await tokens.stop();
    await orders.stop();
  }
  assert.deepEqual(tokens.failures, [], 'no token that was just issued may be refused');
  assert.deepEqual(orders.failures, [], 'no call may fail');
  assert.ok(tokens.validated > 20, `only ${tokens.validated} tokens`);
  assert.ok(orders.succeeded.http > 10 && orders.succeeded.grpc > 10, JSON.stringify(orders.succeeded));
});

/** Resolves when the key IDs of our own JWT bundle, as offline validation uses it, are as `are` says. */
function untilKeys({ bundles }: JwtLoop, are: (keyIds: readonly string[]) => boolean): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      const keys = bundles.get(TrustDomain.parse(identities.trustDomain))?.keys ?? [];
      if (!are(keys.map(({ keyId }) => keyId))) return;
      stop();
      resolve();
    };
    const stop = bundles.subscribe(look);
    look();
  });
}
