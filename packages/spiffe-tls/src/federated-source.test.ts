/**
 * Verifiers that follow a federation: over real TLS, before, while and after a trust domain is federated with.
 */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { createManualClock, createTestCa } from '@countersign/testkit';
import { createCa, createWorkload, RefusalLog } from '../test/adapter-fixture.ts';
import { serving, startEndpoint } from '../test/bundle-endpoint-fixture.ts';
import { documentOf, x509EntryOf } from '../test/bundle-fixture.ts';
import { createAgent, get, startHttps } from '../test/https-fixture.ts';
import { AUDIENCE, claimsWith, createJwtKey, jwtBundleOf, NOW_MS, signToken } from '../test/jwt-fixture.ts';
import { authorizeMemberOf } from './authorizers.ts';
import { createBundleFederation } from './bundle-federation.ts';
import { SpiffeTlsError } from './errors.ts';
import { createFederatedJwtBundleSource, createFederatedX509Source } from './federated-source.ts';
import { JwtBundleSet } from './jwt-bundle.ts';
import { validateJwtSvid } from './jwt-svid.ts';
import { peerOf } from './peer-of.ts';
import { TrustDomain } from './trust-domain.ts';
import type { X509SourceEvent } from './x509-source.ts';

const partnerDomain = TrustDomain.parse('partner.example');
const webCa = await createTestCa({ trustDomain: 'web.example' });
const webCert = await webCa.issue({ uris: [], dnsNames: ['localhost'] });

async function setUp(t: TestContext) {
  const ca = await createCa();
  const partnerCa = await createCa('partner.example');
  const jwtKey = createJwtKey();
  const endpoint = await startEndpoint(t, webCert, serving(documentOf([x509EntryOf(partnerCa), jwtKey.jwk])));
  const federation = createBundleFederation({ clock: createManualClock() });
  const own = await createWorkload(ca, 'backend');
  const source = createFederatedX509Source(own.source, federation);
  t.after(() => {
    source.close();
    federation.close();
  });
  const events: X509SourceEvent[] = [];
  source.subscribe((event) => events.push(event));
  const profile = { type: 'https_web', ca: webCa.pem } as const;
  const federate = async () => {
    federation.federate({ trustDomain: partnerDomain, endpointUrl: endpoint.url, profile });
    await federation.refresh(partnerDomain);
  };
  return { ca, partnerCa, jwtKey, endpoint, federation, federate, own, source, events };
}

test('L74 L79 T6 a live server accepts a foreign client from federating until un-federating, on open connections too', async (t) => {
  const { ca, partnerCa, federate, federation, source } = await setUp(t);
  const refusals = new RefusalLog();
  const peers: string[] = [];
  const options = { source, authorize: authorizeMemberOf(partnerDomain), onRefused: refusals.onRefused };
  const { port } = await startHttps(t, options, (request, response) => {
    peers.push(String(peerOf(request)?.id));
    response.end();
  });
  const client = await createWorkload(partnerCa, 'web', { bundles: [partnerCa.bundle(), ca.bundle()] });
  const agent = createAgent(t, {
    source: client.source,
    authorize: authorizeMemberOf(TrustDomain.parse('example.org')),
  });

  await assert.rejects(get(agent, port));
  const before = await refusals.next();
  assert.equal(before.code, 'NO_BUNDLE');
  assert.match(before.message, /"partner\.example".*createBundleFederation/);

  await federate();
  const first = await get(agent, port);
  const second = await get(agent, port);
  assert.equal(first.clientPort, second.clientPort);
  assert.deepEqual(peers, ['spiffe://partner.example/web', 'spiffe://partner.example/web']);

  assert.equal(federation.unfederate(partnerDomain), true);
  // The connection is open, and its peer is none any more.
  const after = await get(agent, port).then(
    () => peers.at(-1),
    () => 'refused',
  );
  assert.ok(after === 'undefined' || after === 'refused', after);
  const fresh = createAgent(t, {
    source: client.source,
    authorize: authorizeMemberOf(TrustDomain.parse('example.org')),
  });
  await assert.rejects(get(fresh, port));
  assert.equal((await refusals.next()).code, 'NO_BUNDLE');
});

test('L78 the own bundle and those of the source count alone, whatever a federation says', async (t) => {
  const { partnerCa, federate, own, source, ca, events } = await setUp(t);
  const fromIssuer = await createCa('partner.example');
  own.trust(ca.bundle(), fromIssuer.bundle());
  await federate();
  assert.ok(source.current().bundles.get(partnerDomain)?.equals(fromIssuer.bundle()));
  assert.equal(events.length, 1, 'what changes nothing is no event');
  own.trust(ca.bundle());
  assert.ok(source.current().bundles.get(partnerDomain)?.equals(partnerCa.bundle()));
});

test('T11 T13 events follow both sides, with a complete snapshot, and only for what changed', async (t) => {
  const { ca, endpoint, federate, federation, own, source, events } = await setUp(t);
  const first = source.current();
  assert.equal(source.current(), first);
  await federate();
  await federation.refresh(partnerDomain);
  await own.rotate();
  endpoint.respond = (_, response) => response.writeHead(500).end();
  await assert.rejects(federation.refresh(partnerDomain));
  own.trust(ca.bundle(), (await createCa('third.example')).bundle());
  federation.unfederate(partnerDomain);
  own.source.withdraw();
  const told = events.map((event) =>
    event.type === 'update'
      ? `${event.changed.svid ? 'svid' : 'bundles'} ${event.context.bundles.trustDomains().join(' ')}`
      : event.type,
  );
  assert.deepEqual(told, [
    'bundles example.org partner.example',
    'svid example.org partner.example',
    'error',
    'bundles example.org third.example partner.example',
    'bundles example.org third.example',
    'withdrawn',
  ]);
  assert.throws(
    () => source.current(),
    (error) => error instanceof SpiffeTlsError && error.code === 'IDENTITY_WITHDRAWN',
  );
});

test('a change of the federation while there is no identity is seen when there is one, and nothing after close', async (t) => {
  const { federate, federation, own, source, events } = await setUp(t);
  const context = own.source.current();
  own.source.withdraw();
  await federate();
  own.source.update(context);
  assert.deepEqual(source.current().bundles.trustDomains().map(String), ['example.org', 'partner.example']);
  source.close();
  source.subscribe((event) => events.push(event));
  federation.unfederate(partnerDomain);
  assert.deepEqual(
    events.map(({ type }) => type),
    ['withdrawn', 'update'],
  );
});

test('L79 L36 JWT-SVIDs of a foreign trust domain are valid while it is federated with', async (t) => {
  const { federate, federation, jwtKey } = await setUp(t);
  const ownKey = createJwtKey('P-384');
  const bundles = createFederatedJwtBundleSource(JwtBundleSet.of(jwtBundleOf('example.org', ownKey)), federation);
  const token = signToken(jwtKey, 'ES256', { claims: claimsWith({ sub: 'spiffe://partner.example/web' }) });
  const validate = () => validateJwtSvid(token, { audience: AUDIENCE, bundles, nowMs: NOW_MS }).id.toString();
  assert.throws(validate, { code: 'NO_BUNDLE', message: /createBundleFederation/ });
  await federate();
  assert.equal(validate(), 'spiffe://partner.example/web');
  const forged = signToken(jwtKey, 'ES256');
  assert.throws(() => validateJwtSvid(forged, { audience: AUDIENCE, bundles, nowMs: NOW_MS }), {
    code: 'JWT_KEY_UNKNOWN',
  });
  federation.unfederate(partnerDomain);
  assert.throws(validate, { code: 'NO_BUNDLE' });
});
