/**
 * Two SPIRE servers of two trust domains (B7): federated, a partner's named ID is accepted and no other of the partner's;
 * un-federated, none, and not on a connection that was open either. Neither ever vouches for the other's IDs.
 */
import assert from 'node:assert/strict';
import diagnosticsChannel from 'node:diagnostics_channel';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { ClientHttp2Session, Http2SecureServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { restoreCertificateAuthority } from '@countersign/dev-trust-domain';
import type { StandaloneSpire } from '@countersign/local-stack';
import {
  authorizeId,
  authorizeOneOf,
  connectSpiffeHttp2,
  createSpiffeHttp2Server,
  createStaticX509Source,
  createWorkloadApiX509Source,
  fetchBundle,
  parsePem,
  parseX509Svid,
  peerOf,
  REFUSED_CHANNEL,
  type RefusalRecord,
  SpiffeId,
  type WorkloadApiX509Source,
  type X509BundleSet,
  type X509Source,
  type X509Svid,
} from '@countersign/spiffe-tls';
import { entryNamed, startTestSpire, untilContext } from './standalone-spire.ts';

const serverId = SpiffeId.parse('spiffe://example.org/server');
const allyId = SpiffeId.parse('spiffe://example.org/ally');
const namedId = SpiffeId.parse('spiffe://partner.example/named');
let own: StandaloneSpire;
let partner: StandaloneSpire;
/** Ours, and two workloads of the partner's. */
let source: WorkloadApiX509Source;
let named: WorkloadApiX509Source;
let other: WorkloadApiX509Source;
let server: Http2SecureServer;
const refusals: RefusalRecord[] = [];
const onRefusal = (record: unknown) => refusals.push(record as RefusalRecord);

before(async () => {
  [own, partner] = await Promise.all([startTestSpire('example.org'), startTestSpire('partner.example')]);
  await own.createEntry(entryNamed(own, 'server'));
  for (const name of ['named', 'other']) await partner.createEntry(entryNamed(partner, name));
  source = createWorkloadApiX509Source({ endpoint: own.socket });
  named = createWorkloadApiX509Source({ endpoint: partner.socket, hint: 'named' });
  other = createWorkloadApiX509Source({ endpoint: partner.socket, hint: 'other' });
  await Promise.all([source, named, other].map((it) => it.ready()));
  // Both a partner's ID and one of our own: who is named is not yet who is believed.
  const authorize = authorizeOneOf([namedId, allyId]);
  server = createSpiffeHttp2Server({ source, authorize, closeWithinMs: 0 }, (request, response) => {
    response.end(String(peerOf(request)?.id));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  diagnosticsChannel.subscribe(REFUSED_CHANNEL, onRefusal);
});

after(async () => {
  diagnosticsChannel.unsubscribe(REFUSED_CHANNEL, onRefusal);
  server?.close();
  for (const it of [source, named, other]) it?.close();
  await Promise.all([own?.stop(), partner?.stop()]);
});

function connect(as: X509Source): Promise<ClientHttp2Session> {
  const { port } = server.address() as AddressInfo;
  return connectSpiffeHttp2({ source: as, authorize: authorizeId(serverId), authority: `https://127.0.0.1:${port}` });
}

async function ask(session: ClientHttp2Session): Promise<string> {
  const stream = session.request({ ':path': '/' });
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  return text;
}

/** Who the server says that a client is; the connection is closed afterwards. */
async function askAs(as: X509Source): Promise<string> {
  const session = await connect(as);
  try {
    return await ask(session);
  } finally {
    session.close();
  }
}

/** A client that trusts the server whatever its own trust domain does: what refuses is the server alone. */
function trusting(svid: X509Svid): X509Source {
  const { bundles } = source.current();
  return createStaticX509Source({ svid, svids: [svid], bundles });
}

/** The one refusal of the server that an attempt leads to. */
async function refusalOf(as: X509Source): Promise<RefusalRecord> {
  const earlier = refusals.length;
  const session = await connect(as);
  session.on('error', () => {});
  if (!session.closed) await once(session, 'close');
  const [record, ...more] = refusals.slice(earlier).filter(({ role }) => role === 'server');
  assert.ok(record, 'the server told of a refusal');
  assert.deepEqual(more, []);
  return record;
}

const knows = (trustDomain: StandaloneSpire['trustDomain']) => (context: { bundles: X509BundleSet }) =>
  context.bundles.get(trustDomain) !== undefined;

/** One side of a federation: the other's bundle, where it is served, and the workloads that are to have it. */
async function federate(side: StandaloneSpire, withWhom: StandaloneSpire, names: readonly string[]): Promise<void> {
  const { id, name } = withWhom.trustDomain;
  const { url, spiffeId } = withWhom.bundleEndpoint;
  const document = await withWhom.command(['bundle', 'show', '-format', 'spiffe']);
  await side.command(['bundle', 'set', '-format', 'spiffe', '-id', id], document);
  const at = ['-bundleEndpointURL', url, '-bundleEndpointProfile', 'https_spiffe', '-endpointSpiffeID', spiffeId];
  await side.command(['federation', 'create', '-trustDomain', name, ...at]);
  await side.updateEntries(names.map((each) => entryNamed(side, each, { federates_with: [id] })));
}

test('B7 before federating, each refuses the other: no bundle, no peer', async () => {
  await assert.rejects(connect(named), { code: 'NO_BUNDLE' });
  assert.equal((await refusalOf(trusting(named.current().svid))).code, 'NO_BUNDLE');
});

test("B7 federated, the partner's named ID is accepted, and no other of the partner's", async () => {
  await federate(own, partner, ['server']);
  await federate(partner, own, ['named', 'other']);
  await Promise.all([
    untilContext(source, knows(partner.trustDomain)),
    untilContext(named, knows(own.trustDomain)),
    untilContext(other, knows(own.trustDomain)),
  ]);
  assert.equal(await askAs(named), String(namedId));
  const { code, peerId } = await refusalOf(other);
  assert.deepEqual([code, peerId], ['PEER_NOT_AUTHORIZED', 'spiffe://partner.example/other']);
});

test('B7 the bundle is served by https_spiffe, to us and to the other server, and follows a change of the CA', async () => {
  const endpoint = {
    trustDomain: partner.trustDomain,
    endpointUrl: partner.bundleEndpoint.url,
    profile: { type: 'https_spiffe', endpointId: SpiffeId.parse(partner.bundleEndpoint.spiffeId) },
  } as const;
  const fetchSize = async () =>
    (await fetchBundle(endpoint, { bundles: source.current().bundles })).x509.authorities.length;
  assert.equal(await fetchSize(), 1);
  await assert.rejects(
    fetchBundle(
      { ...endpoint, profile: { type: 'https_spiffe', endpointId: namedId } },
      { bundles: source.current().bundles },
    ),
    { code: 'PEER_NOT_AUTHORIZED' },
  );
  await partner.replaceRoot();
  await partner.command(['localauthority', 'x509', 'prepare']);
  assert.equal(await fetchSize(), 2);
  await own.command(['federation', 'refresh', '-id', partner.trustDomain.id]);
  await untilContext(source, ({ bundles }) => bundles.get(partner.trustDomain)?.authorities.length === 2);
  assert.equal(await askAs(named), String(namedId));
});

/** A client with an SVID that the partner's root signed. */
async function minted(spiffeId: string): Promise<X509Source> {
  const der = (file: string) => {
    const [block] = parsePem(readFileSync(file, 'utf8'));
    assert.ok(block);
    return block.der;
  };
  const ca = await restoreCertificateAuthority(der(partner.root.certificate), der(partner.root.key));
  const nowMs = Date.now();
  const { chain, keyDer } = await ca.issue({
    spiffeId,
    dnsNames: [],
    keyType: 'ec-p256',
    notBeforeMs: nowMs - 1_000,
    notAfterMs: nowMs + 60_000,
  });
  return trusting(parseX509Svid({ chainDer: Buffer.concat(chain), keyDer }));
}

test("B7 the partner's CA mints the partner's IDs, and none of ours", async () => {
  assert.equal(await askAs(await minted(String(namedId))), String(namedId), 'the CA is a good one');
  const { code, peerId } = await refusalOf(await minted(String(allyId)));
  assert.deepEqual([code, peerId], ['UNTRUSTED_CHAIN', String(allyId)]);
  await assert.rejects(partner.command(['x509', 'mint', '-spiffeID', String(allyId)]), /partner\.example/);
});

const ways: ReadonlyArray<readonly [name: string, unfederate: () => Promise<unknown>]> = [
  ['the entry no longer federates', () => own.updateEntries([entryNamed(own, 'server')])],
  [
    'the bundle is deleted',
    async () => {
      const { id } = partner.trustDomain;
      await own.command(['federation', 'delete', '-id', id]);
      await own.command(['bundle', 'delete', '-id', id, '-mode', 'dissociate']);
    },
  ],
];
for (const [name, unfederate] of ways) {
  test(`B7 un-federated, as ${name}: refused, and an open connection is closed`, async () => {
    await own.updateEntries([entryNamed(own, 'server', { federates_with: [partner.trustDomain.id] })]);
    await untilContext(source, knows(partner.trustDomain));
    const open = await connect(named);
    assert.equal(await ask(open), String(namedId));
    const closed = once(open, 'close');
    const earlier = refusals.length;
    await unfederate();
    await closed;
    assert.equal(knows(partner.trustDomain)(source.current()), false);
    assert.deepEqual(
      refusals.slice(earlier).map(({ role, code, peerId }) => [role, code, peerId]),
      [['server', 'NO_BUNDLE', String(namedId)]],
    );
    assert.equal((await refusalOf(named)).code, 'NO_BUNDLE');
  });
}
