/**
 * The same services on real SPIRE: orders by both transports, who is given an identity and who is not, entries that come
 * and go, and an agent and a server that are restarted under load.
 */
import assert from 'node:assert/strict';
import { chmodSync, copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { connect } from 'node:tls';
import { loadIdentities } from '@countersign/identities';
import { recordsFromNow, type SpireEntry, type SpireSystem, untilEveryoneHas } from '@countersign/local-stack';
import {
  createWorkloadApiX509Source,
  parseCertificate,
  parsePem,
  TrustDomain,
  verifyX509Svid,
  X509Bundle,
  X509BundleSet,
  type X509Source,
  type X509SourceEvent,
} from '@countersign/spiffe-tls';
import { call } from '../integration/json-client.ts';
import { startOrderLoop } from '../integration/order-loop.ts';
import { startTestSpireSystem, svidTtlMs } from './spire-system.ts';
import { type Asking, fetchIdentityAs } from './workload-process.ts';

const identities = loadIdentities();
const idOf = (name: string) => identities.workload(name).spiffeId;
let system: SpireSystem;

before(async () => {
  system = await startTestSpireSystem();
});

after(() => system?.stop());

function placeOrder(via: 'http' | 'grpc') {
  return call(`${system.customerUrl}/api/orders`, { body: { item: 'tea', quantity: 2, customer: 'Ada', via } });
}

/** An entry as the system's own are, for other selectors. */
function entryFor(entryId: string, workload: string, selectors: readonly string[]): SpireEntry {
  const { spiffeId, dnsName } = identities.workload(workload);
  return {
    entry_id: entryId,
    spiffe_id: spiffeId,
    parent_id: `spiffe://${identities.trustDomain}/agent/local`,
    selectors: selectors.map((value) => ({ type: 'unix', value })),
    x509_svid_ttl: svidTtlMs / 1_000,
    jwt_svid_ttl: svidTtlMs / 1_000,
    dns_names: [dnsName],
  };
}

for (const via of ['http', 'grpc'] as const) {
  test(`an order by ${via} goes all the way, and each hop names SPIRE's identities`, async () => {
    const { status, body, text } = await placeOrder(via);
    assert.equal(status, 201, text);
    const { hops } = body as { hops: Array<Record<string, string>> };
    assert.deepEqual(
      hops.map(({ from, to, transport, decision }) => ({ from, to, transport, decision })),
      [
        { from: idOf('customer'), to: idOf('backend'), transport: via, decision: 'allow' },
        { from: idOf('backend'), to: idOf('db-client'), transport: 'grpc', decision: 'allow' },
        { from: idOf('db-client'), to: idOf('postgres'), transport: 'postgres', decision: 'allow' },
      ],
    );
  });
}

describe('B5 who is given an identity', { concurrency: 3 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-node-'));
  const node = join(folder, 'node');
  before(() => {
    chmodSync(folder, 0o755);
    copyFileSync(process.execPath, node);
    chmodSync(node, 0o755);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));
  const account = (name: string) => {
    const found = system.accountOf(name);
    assert.ok(found);
    return found;
  };

  test('the user and group of an entry', async () => {
    const { uid, gid } = account('auditor');
    assert.deepEqual(await fetchIdentityAs(system.spire.socket, { uid, gid }), { code: 0, said: idOf('auditor') });
  });

  const strangers: Array<[name: string, who: () => Asking]> = [
    ['root', () => ({ uid: 0, gid: 0 })],
    ['its user under another group', () => ({ uid: account('auditor').uid, gid: account('rogue').gid })],
    ['its user and group with another program', () => ({ ...account('auditor'), node })],
    ['its group under another user', () => ({ uid: account('rogue').uid, gid: account('auditor').gid })],
    ["PostgreSQL's user without the workload's group", () => ({ uid: account('postgres').uid, gid: 65_534 })],
  ];
  for (const [name, who] of strangers) {
    test(`not ${name}: PermissionDenied`, async () => {
      const { code, said } = await fetchIdentityAs(system.spire.socket, who());
      assert.equal(code, 1, said);
      assert.match(said, /PERMISSION_DENIED.*no identity issued/i);
    });
  }
});

/** Collects a source's events; resolves with the first of a type, past or to come. */
function eventsOf(source: X509Source): (type: X509SourceEvent['type']) => Promise<X509SourceEvent> {
  const events: X509SourceEvent[] = [];
  const waiting = new Set<() => void>();
  source.subscribe((event) => {
    events.push(event);
    for (const look of waiting) look();
  });
  return (type) =>
    new Promise((resolve) => {
      const look = () => {
        const found = events.find((event) => event.type === type);
        if (found !== undefined) resolve(found);
      };
      waiting.add(look);
      look();
    });
}

test('an SVID comes with the intermediate that signed it, and the bundle holds the root alone', async () => {
  await system.spire.createEntry(entryFor('path', 'rogue', ['uid:0']));
  const source = createWorkloadApiX509Source({ endpoint: system.spire.socket });
  const until = eventsOf(source);
  try {
    const { svid, bundles } = await source.ready();
    const [leaf, intermediate, ...more] = svid.chain;
    assert.ok(leaf && intermediate);
    assert.equal(more.length, 0);
    const authorities = bundles.get(svid.id.trustDomain)?.authorities ?? [];
    assert.equal(authorities.length, 1);
    const [root] = authorities;
    assert.ok(root);
    assert.ok(leaf.x509.checkIssued(intermediate.x509) && leaf.x509.verify(intermediate.x509.publicKey));
    assert.ok(intermediate.x509.checkIssued(root.x509) && intermediate.x509.verify(root.x509.publicKey));
    assert.equal(leaf.x509.checkIssued(root.x509), false, "the leaf is the intermediate's, not the root's");
    assert.match(leaf.x509.subject, new RegExp(`CN=${identities.workload('rogue').dnsName}(\\n|$)`));
  } finally {
    await system.spire.deleteEntry('path');
    await until('withdrawn');
    source.close();
  }
});

const listeners: ReadonlyArray<readonly [name: string, alpn: string, workload: string, address: () => string]> = [
  ['backend by HTTPS', 'http/1.1', 'backend', () => system.addresses.backend.https],
  ['backend by gRPC', 'h2', 'backend', () => system.addresses.backend.grpc],
  ['db-client by gRPC', 'h2', 'db-client', () => system.addresses.dbClient.grpc],
  ['PostgreSQL', 'postgresql', 'postgres', () => system.addresses.postgres],
];
for (const [name, alpn, workload, address] of listeners) {
  test(`B2 ${name} sends leaf and intermediate, and the root of the bundle vouches for them alone together`, async () => {
    const chain = await chainSentBy(address(), alpn);
    assert.equal(chain.length, 2);
    const pem = await system.spire.command(['bundle', 'show', '-format', 'pem']);
    const roots = parsePem(pem).map(({ der }) => parseCertificate(der));
    assert.equal(roots.length, 1);
    const bundles = X509BundleSet.of(new X509Bundle(TrustDomain.parse(identities.trustDomain), roots));
    assert.equal(String(verifyX509Svid({ chain, bundles, nowMs: Date.now() }).id), idOf(workload));
    assert.throws(() => verifyX509Svid({ chain: chain.slice(0, 1), bundles, nowMs: Date.now() }), {
      code: 'UNTRUSTED_CHAIN',
    });
  });
}

/** The certificates that a server sends, leaf first. This client knows no CA that could complete them. */
function chainSentBy(address: string, alpn: string): Promise<Uint8Array[]> {
  const [host = '', port = ''] = address.split(':');
  return new Promise((resolve, reject) => {
    const socket = connect(
      { host, port: Number(port), ALPNProtocols: [alpn], ca: [], rejectUnauthorized: false },
      () => {
        const chain: Uint8Array[] = [];
        for (let each = socket.getPeerX509Certificate(); each !== undefined; each = each.issuerCertificate)
          chain.push(each.raw);
        socket.destroy();
        resolve(chain);
      },
    );
    socket.once('error', reject);
  });
}

test('B5 T7 T9 a source is refused before its entry, gets its identity with it, and loses it with it', async () => {
  const source = createWorkloadApiX509Source({ endpoint: system.spire.socket });
  const until = eventsOf(source);
  try {
    const refused = await until('error');
    assert.ok(refused.type === 'error');
    assert.match(`${refused.error.message} ${refused.error.cause}`, /PERMISSION_DENIED/i);
    assert.throws(() => source.current(), { code: 'SOURCE_NOT_READY' });
    await system.spire.createEntry(entryFor('late', 'rogue', ['uid:0', 'gid:0']));
    assert.equal((await source.ready()).svid.id.toString(), idOf('rogue'));
    await system.spire.deleteEntry('late');
    await until('withdrawn');
    assert.throws(() => source.current(), { code: 'IDENTITY_WITHDRAWN' });
  } finally {
    source.close();
  }
});

test('B5 T9 a service whose entry is deleted stops presenting its identity, and comes back with the entry', async () => {
  const gone = recordsFromNow();
  await system.control.withdraw('customer');
  await system.waitForLog(
    'customer',
    (record) => gone(record) && record['event'] === 'identity' && record['type'] === 'withdrawn',
    30_000,
  );
  const health = await call(`http://${system.addresses.customer.health}/readyz`);
  assert.equal(health.status, 503, health.text);
  for (const via of ['http', 'grpc'] as const) {
    const { status, text } = await placeOrder(via);
    assert.ok(status >= 500, `${via}: ${status} ${text}`);
  }
  const back = recordsFromNow();
  await system.control.give('customer');
  await system.waitForLog('customer', (record) => back(record) && record['event'] === 'ready', 30_000);
  for (const via of ['http', 'grpc'] as const) assert.equal((await placeOrder(via)).status, 201);
});

for (const name of ['spire-agent', 'spire-server'] as const) {
  test(`B5 L58 ${name} is restarted under load: no call fails, and new SVIDs come afterwards`, async () => {
    const loop = startOrderLoop(system.customerUrl);
    try {
      await loop.completed(10);
      await untilEveryoneHas(system, 'svid', () => system.spire.restart(name));
      await loop.completed(20);
    } finally {
      await loop.stop();
    }
    assert.deepEqual(loop.failures, []);
    assert.ok(loop.succeeded.http > 5 && loop.succeeded.grpc > 5, JSON.stringify(loop.succeeded));
  });
}
