/**
 * Federation as it lives: polling, what replaces what, and relationships that come and go.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:https';
import { type TestContext, test } from 'node:test';
import { createManualClock, createTestCa } from '@countersign/testkit';
import { contextOf, createCa } from '../test/adapter-fixture.ts';
import { answer, serving, startEndpoint } from '../test/bundle-endpoint-fixture.ts';
import { createAuthorities, documentOf, x509EntryOf } from '../test/bundle-fixture.ts';
import { portOf } from '../test/https-fixture.ts';
import { createSpiffeBundle, parseBundleDocument } from './bundle-document.ts';
import { createBundleEndpointServer } from './bundle-endpoint.ts';
import { type BundleFederationOptions, createBundleFederation, type FederationEvent } from './bundle-federation.ts';
import { fetchBundle } from './fetch-bundle.ts';
import { SpiffeId } from './spiffe-id.ts';
import { createStaticX509Source } from './static-source.ts';
import { TrustDomain } from './trust-domain.ts';
import { X509BundleSet } from './x509-bundle.ts';

const trustDomain = TrustDomain.parse('partner.example');
const partner = await createAuthorities('partner.example');
const webCa = await createTestCa({ trustDomain: 'web.example' });
const webCert = await webCa.issue({ uris: [], dnsNames: ['localhost'] });
const web = { type: 'https_web', ca: webCa.pem } as const;

/** A federation with one partner, whose endpoint has been asked once. */
async function setUp(t: TestContext, first: Uint8Array = partner.document(), options: BundleFederationOptions = {}) {
  const endpoint = await startEndpoint(t, webCert, serving(first));
  const clock = createManualClock();
  const federation = createBundleFederation({ clock, ...options });
  t.after(() => federation.close());
  const events: FederationEvent[] = [];
  federation.subscribe((event) => events.push(event));
  federation.federate({ trustDomain, endpointUrl: endpoint.url, profile: web });
  await federation.refresh(trustDomain).catch(() => {});
  return { endpoint, clock, federation, events };
}

const typesOf = (events: readonly FederationEvent[]) => events.map(({ type }) => type);

test('L74 L62 a trust domain federated with has its bundles, each for its kind of SVID', async (t) => {
  const { federation, events, endpoint } = await setUp(t);
  assert.ok(federation.x509().get(trustDomain)?.equals(partner.ca.bundle()));
  assert.equal(federation.jwt().get(trustDomain)?.keys[0]?.keyId, partner.jwtKey.keyId);
  assert.equal(federation.get(trustDomain)?.trustDomain.name, 'partner.example');
  assert.deepEqual(typesOf(events), ['update']);
  assert.equal(endpoint.requests.length, 1);
});

for (const [name, hint, delayMs] of [
  ['without a hint', undefined, 300_000],
  ['with a hint of 0', 0, 300_000],
  ['with a hint of 60', 60, 60_000],
  ['with a hint of 1, below the least', 1, 5000],
  ['with a hint of a year', 31_536_000, 86_400_000],
] as const) {
  test(`L77 ${name} the endpoint is asked again after ${delayMs} ms`, async (t) => {
    const document = partner.document(hint === undefined ? {} : { spiffe_refresh_hint: hint });
    const { clock, endpoint, federation } = await setUp(t, document);
    assert.deepEqual(clock.pending(), [delayMs]);
    clock.advance(delayMs - 1);
    assert.equal(endpoint.requests.length, 1);
    clock.advance(1);
    await federation.refresh(trustDomain);
    assert.equal(endpoint.requests.length, 2);
    assert.deepEqual(clock.pending(), [delayMs]);
  });
}

test('L77 T34 a failing endpoint is asked no more often, told once, and the last good bundle stays', async (t) => {
  const { clock, endpoint, events, federation } = await setUp(t, partner.document({ spiffe_refresh_hint: 60 }));
  endpoint.respond = (_, response) => answer(response, 500);
  for (const round of [1, 2, 3]) {
    clock.advance(60_000);
    await assert.rejects(federation.refresh(trustDomain), { code: 'BUNDLE_ENDPOINT' });
    assert.deepEqual(clock.pending(), [60_000]);
    assert.equal(endpoint.requests.length, 1 + round);
  }
  assert.deepEqual(typesOf(events), ['update', 'error']);
  assert.ok(federation.x509().get(trustDomain)?.equals(partner.ca.bundle()));
  const [status] = federation.status();
  assert.equal(status?.lastError?.code, 'BUNDLE_ENDPOINT');
  assert.equal(status?.fetchedMs, clock.now() - 180_000);
  assert.equal(status?.nextPollMs, clock.now() + 60_000);
  endpoint.respond = serving(partner.document());
  await federation.refresh(trustDomain);
  assert.equal(federation.status()[0]?.lastError, undefined);
});

test('L78 an older sequence does not replace a newer one; an equal, a newer and none do', async (t) => {
  const { endpoint, federation, events } = await setUp(t, partner.document({ spiffe_sequence: 5 }));
  const other = await createAuthorities('partner.example');
  endpoint.respond = serving(other.document({ spiffe_sequence: 4 }));
  await assert.rejects(federation.refresh(trustDomain), {
    code: 'BUNDLE_ENDPOINT',
    message: /not go back from 5, got 4/,
  });
  assert.ok(federation.x509().get(trustDomain)?.equals(partner.ca.bundle()));
  for (const [authorities, members] of [
    [other, { spiffe_sequence: 5 }],
    [partner, { spiffe_sequence: 6 }],
    [other, {}],
  ] as const) {
    endpoint.respond = serving(authorities.document(members));
    await federation.refresh(trustDomain);
    assert.ok(federation.x509().get(trustDomain)?.equals(authorities.ca.bundle()));
  }
  assert.deepEqual(typesOf(events), ['update', 'error', 'update', 'update', 'update']);
});

test('L22 L77 a document without keys trusts nobody, and the same document again is no update', async (t) => {
  const { endpoint, federation, events } = await setUp(t);
  await federation.refresh(trustDomain);
  assert.deepEqual(typesOf(events), ['update']);
  endpoint.respond = serving(documentOf([]));
  await federation.refresh(trustDomain);
  assert.deepEqual(federation.x509().get(trustDomain)?.authorities, []);
  assert.deepEqual(typesOf(events), ['update', 'update']);
});

test('L78 two trust domains keep their bundles apart, and one failing leaves the other', async (t) => {
  const { federation } = await setUp(t);
  const second = TrustDomain.parse('second.example');
  const endpoint = await startEndpoint(t, webCert, (_, response) => answer(response, 404));
  federation.federate({ trustDomain: second, endpointUrl: endpoint.url, profile: web });
  await assert.rejects(federation.refresh(second), { code: 'BUNDLE_ENDPOINT' });
  assert.equal(federation.get(second), undefined);
  const authorities = await createAuthorities('second.example');
  endpoint.respond = serving(authorities.document());
  await federation.refresh(second);
  assert.deepEqual(federation.x509().trustDomains().map(String), ['partner.example', 'second.example']);
  assert.ok(federation.x509().get(second)?.equals(authorities.ca.bundle()));
  assert.ok(federation.x509().get(trustDomain)?.equals(partner.ca.bundle()));
});

test('L79 taken back, a relationship has no bundle and is asked no more', async (t) => {
  const { clock, endpoint, federation, events } = await setUp(t);
  assert.equal(federation.unfederate(trustDomain), true);
  assert.equal(federation.unfederate(trustDomain), false);
  assert.deepEqual(
    [federation.get(trustDomain), federation.x509().get(trustDomain), federation.jwt().get(trustDomain)],
    [undefined, undefined, undefined],
  );
  assert.deepEqual(clock.pending(), []);
  assert.deepEqual(typesOf(events), ['update', 'removed']);
  await assert.rejects(federation.refresh(trustDomain), { code: 'NO_BUNDLE' });
  assert.equal(endpoint.requests.length, 1);
});

test('L79 an answer that comes after the relationship was taken back changes nothing', async (t) => {
  const { clock, endpoint, federation, events } = await setUp(t);
  endpoint.respond = (request, response) => {
    federation.unfederate(trustDomain);
    serving(partner.document({ spiffe_sequence: 9 }))(request, response);
  };
  await assert.rejects(federation.refresh(trustDomain), { code: 'SOURCE_CLOSED' });
  assert.equal(federation.get(trustDomain), undefined);
  assert.deepEqual(typesOf(events), ['update', 'removed']);
  assert.deepEqual(clock.pending(), []);
});

test('closed, a federation has nothing, asks nothing and takes nothing', async (t) => {
  const { clock, endpoint, federation } = await setUp(t);
  await federation[Symbol.asyncDispose]();
  assert.deepEqual([federation.status(), federation.x509().trustDomains(), clock.pending()], [[], [], []]);
  const again = { trustDomain, endpointUrl: endpoint.url, profile: web };
  assert.throws(() => federation.federate(again), { code: 'SOURCE_CLOSED' });
});

test('L74 a second relationship with a trust domain, a bad address and a foreign bootstrap are refused', async (t) => {
  const { endpoint, federation } = await setUp(t);
  const relationship = { trustDomain, endpointUrl: endpoint.url, profile: web };
  assert.throws(() => federation.federate(relationship), TypeError);
  const second = TrustDomain.parse('second.example');
  assert.throws(() => federation.federate({ ...relationship, trustDomain: second, endpointUrl: 'http://localhost/' }), {
    code: 'BUNDLE_ENDPOINT',
  });
  const bootstrap = parseBundleDocument(trustDomain, partner.document());
  assert.throws(() => federation.federate({ ...relationship, trustDomain: second, bootstrap }), {
    code: 'INVALID_BUNDLE',
  });
  assert.deepEqual(federation.status().length, 1);
});

/** An endpoint of ours, of the SPIFFE profile, whose SVID and bundle a test changes. */
async function startOwnEndpoint(t: TestContext, initial: Awaited<ReturnType<typeof createCa>>) {
  const issued = await initial.issue({ path: '/bundle-endpoint' });
  const source = createStaticX509Source(contextOf(issued, [initial.bundle()]));
  const served = { bundle: createSpiffeBundle({ trustDomain, x509: initial.bundle(), sequence: 1n }) };
  const server = createBundleEndpointServer({ source, bundle: () => served.bundle });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => new Promise((resolve) => server.close(resolve)));
  const endpointId = SpiffeId.parse('spiffe://partner.example/bundle-endpoint');
  const relationship = {
    trustDomain,
    endpointUrl: `https://127.0.0.1:${portOf(server)}/`,
    profile: { type: 'https_spiffe', endpointId } as const,
  };
  return { source, served, relationship };
}

test('L76 D18 a self-serving endpoint is verified by the bootstrap first, by the latest bundle then', async (t) => {
  const old = await createCa('partner.example');
  const next = await createCa('partner.example');
  const { source, served, relationship } = await startOwnEndpoint(t, old);
  const federation = createBundleFederation({ clock: createManualClock() });
  t.after(() => federation.close());
  const bootstrap = createSpiffeBundle({ trustDomain, x509: old.bundle() });
  federation.federate({ ...relationship, bootstrap });
  served.bundle = createSpiffeBundle({ trustDomain, x509: next.bundle(), sequence: 2n });
  await federation.refresh(trustDomain);
  assert.ok(federation.x509().get(trustDomain)?.equals(next.bundle()));
  // Its old SVID is a stranger's now, bootstrap or not.
  await assert.rejects(federation.refresh(trustDomain), { code: 'UNTRUSTED_CHAIN' });
  source.update(contextOf(await next.issue({ path: '/bundle-endpoint' }), [next.bundle()]));
  await federation.refresh(trustDomain);
  assert.equal(federation.status()[0]?.lastError, undefined);
});

test('L76 without a bootstrap a self-serving endpoint is not believed; the error says what is missing', async (t) => {
  const { relationship } = await startOwnEndpoint(t, await createCa('partner.example'));
  const federation = createBundleFederation({ clock: createManualClock(), relationships: [relationship] });
  t.after(() => federation.close());
  await assert.rejects(federation.refresh(trustDomain), { code: 'NO_BUNDLE', message: /"partner\.example"/ });
  assert.equal(federation.get(trustDomain), undefined);
});

test("L76 an endpoint of another trust domain is verified by that one's bundle", async (t) => {
  const own = await createCa('example.org');
  const issued = await own.issue({ path: '/proxy' });
  const endpoint = await startEndpoint(t, issued, serving(documentOf([x509EntryOf(partner.ca)])));
  const profile = { type: 'https_spiffe', endpointId: issued.svid().id } as const;
  const federation = createBundleFederation({
    clock: createManualClock(),
    endpointBundles: X509BundleSet.of(own.bundle()),
    relationships: [{ trustDomain, endpointUrl: endpoint.url, profile }],
  });
  t.after(() => federation.close());
  await federation.refresh(trustDomain);
  assert.ok(federation.x509().get(trustDomain)?.equals(partner.ca.bundle()));
});

test('D18 the endpoint answers GET and HEAD, refuses other methods, and says 503 while there is no bundle', async (t) => {
  const ca = await createCa('partner.example');
  const { served, relationship, source } = await startOwnEndpoint(t, ca);
  const bundles = X509BundleSet.of(ca.bundle());
  assert.equal((await fetchBundle(relationship, { bundles })).sequence, 1n);
  const answers = await Promise.all(['HEAD', 'POST'].map((method) => statusOf(relationship.endpointUrl, method)));
  assert.deepEqual(answers, ['200 application/json', '405 GET, HEAD']);
  Object.defineProperty(served, 'bundle', {
    get() {
      throw new Error('no bundle');
    },
  });
  await assert.rejects(fetchBundle(relationship, { bundles }), { message: /got 503/ });
  source.withdraw();
  await assert.rejects(fetchBundle(relationship, { bundles }), { code: 'BUNDLE_ENDPOINT' });
});

async function statusOf(url: string, method: string): Promise<string> {
  const outgoing = request(url, { method, agent: false, rejectUnauthorized: false });
  outgoing.end();
  const [response] = await once(outgoing, 'response');
  response.resume();
  return `${response.statusCode} ${response.headers['content-type'] ?? response.headers.allow}`;
}
