/**
 * Federation by bundle endpoint: one trust domain asks where another one serves its bundle, in both profiles, and its workloads
 * see what the other publishes; what can't be verified is refused and told.
 */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { splitCertificates } from '@countersign/spiffe-tls';
import { createManualClock } from '@countersign/testkit';
import { registrationOf, startTemporary, temporaryDirectory } from '../test/temporary.ts';
import { createWebCertificate, onLocalhost } from '../test/web-certificate.ts';
import { connect, header, reader } from '../test/workload-client.ts';
import type { BundleEndpointOptions } from './bundle-endpoint.ts';
import { createControlClient } from './control-client.ts';
import { type DevTrustDomain, startDevTrustDomain } from './dev-trust-domain.ts';
import type { EndpointFederation } from './endpoint-federation.ts';

const OTHER = 'spiffe://other.org';
const ENDPOINT_ID = `${OTHER}/bundle-endpoint`;
/** How often the documents of a development trust domain ask to be fetched. */
const REFRESH_MS = 5000;

function startOther(context: TestContext, endpoint: BundleEndpointOptions = { profile: 'https_spiffe' }) {
  return startTemporary(context, {
    trustDomain: 'other.org',
    registrations: [{ name: 'api', spiffeId: `${OTHER}/api`, dnsNames: [] }],
    bundleEndpoints: [endpoint],
  });
}

async function startOwn(context: TestContext) {
  const clock = createManualClock();
  const own = await startTemporary(context, {
    clock,
    registrations: [registrationOf('web', { federatesWith: ['other.org'] }), registrationOf('job')],
  });
  return { clock, own };
}

async function endpointOf(trustDomain: DevTrustDomain): Promise<string> {
  const [endpoint] = (await trustDomain.status()).bundleEndpoints;
  assert.ok(endpoint);
  return endpoint.url;
}

/** What `https_spiffe` takes to ask the other's endpoint. */
async function spiffeRequest(other: DevTrustDomain): Promise<EndpointFederation> {
  const facts = { trustDomain: 'other.org', profile: 'https_spiffe', endpointId: ENDPOINT_ID } as const;
  return { ...facts, endpointUrl: await endpointOf(other), bundle: await other.bundleDocument() };
}

/** How many roots of the other a workload is sent, message by message. */
function watchRoots(context: TestContext, trustDomain: DevTrustDomain, name: string) {
  const stream = reader(context, connect(context, trustDomain, name).fetchX509Svid({}, header('true')));
  return async () => splitCertificates((await stream.next()).federatedBundles[OTHER] ?? Buffer.alloc(0)).length;
}

test('D6 D16 L74 https_spiffe: the other’s rotation reaches the workload that names it, on its open stream', async (context) => {
  const other = await startOther(context);
  const { own, clock } = await startOwn(context);
  const roots = watchRoots(context, own, 'web');
  assert.equal(await roots(), 0);
  const status = await createControlClient(own.controlSocket).federateByEndpoint(await spiffeRequest(other));
  assert.deepEqual([status.trustDomain, status.profile, status.lastError], ['other.org', 'https_spiffe', undefined]);
  assert.ok(status.fetchedAt !== undefined && status.nextPollAt !== undefined);
  assert.equal(await roots(), 1);
  assert.equal(await watchRoots(context, own, 'job')(), 0);

  await other.rotateCa({ settleMs: 0, dropAfterMs: 3_600_000 });
  // The endpoint presents an SVID of the new root now, which this side has not seen: see the next test.
  await clock.waitedFor(REFRESH_MS);
  clock.advance(REFRESH_MS);
  await clock.waitedFor(REFRESH_MS);
  const [failed] = (await own.status()).federations;
  assert.equal(failed?.lastError?.code, 'UNTRUSTED_CHAIN');
  // The document given out of band again, and it goes on.
  await own.federateByEndpoint(await spiffeRequest(other));
  assert.equal(await roots(), 2);
});

test('D16 with a bundle endpoint a new root is published for three refresh hints before it signs', async (context) => {
  const clock = createManualClock();
  const published = Promise.withResolvers<void>();
  const trustDomain = await startDevTrustDomain({
    trustDomain: 'example.org',
    runDirectory: await temporaryDirectory(context),
    registrations: [],
    clock,
    // The wait begins in the very tick of this event.
    log: ({ event }) => event === 'ca-published' && published.resolve(),
    bundleEndpoints: [{ profile: 'https_spiffe' }],
  });
  context.after(() => trustDomain.close());
  const rotating = trustDomain.rotateCa({ dropAfterMs: 0 });
  const roles = async () => (await trustDomain.status()).authorities.map(({ role }) => role);
  await published.promise;
  clock.advance(3 * REFRESH_MS - 1);
  assert.deepEqual(await roles(), ['active', 'prepared']);
  clock.advance(1);
  await rotating;
});

test('D18 L74 https_web: by the web’s authorities, and by no others', async (context) => {
  const web = await createWebCertificate();
  const other = await startOther(context, { profile: 'https_web', ...web });
  const { own, clock } = await startOwn(context);
  const endpointUrl = onLocalhost(await endpointOf(other));
  const request = { trustDomain: 'other.org', endpointUrl, profile: 'https_web' } as const;
  const roots = watchRoots(context, own, 'web');
  assert.equal(await roots(), 0);
  const refused = await own.federateByEndpoint(request);
  assert.equal(refused.lastError?.code, 'BUNDLE_ENDPOINT');
  assert.equal(refused.fetchedAt, undefined);

  const status = await own.federateByEndpoint({ ...request, endpointCaPem: web.caPem });
  assert.equal(status.lastError, undefined);
  assert.equal(await roots(), 1);
  await other.rotateCa({ settleMs: 0, dropAfterMs: 3_600_000 });
  await clock.waitedFor(REFRESH_MS);
  clock.advance(REFRESH_MS);
  assert.equal(await roots(), 2);
});

test('an endpoint that is gone leaves the last good bundle in use, and says so', async (context) => {
  const other = await startOther(context);
  const { own, clock } = await startOwn(context);
  await own.federateByEndpoint(await spiffeRequest(other));
  await other.close();
  await clock.waitedFor(REFRESH_MS);
  clock.advance(REFRESH_MS);
  // The next wait begins when this question has failed.
  await clock.waitedFor(REFRESH_MS);
  const [status] = (await own.status()).federations;
  assert.equal(status?.lastError?.code, 'BUNDLE_ENDPOINT');
  assert.ok(status?.fetchedAt !== undefined);
  assert.equal(await watchRoots(context, own, 'web')(), 1);
});

test('ZERO TRUST: an endpoint with another SPIFFE ID, or of an impostor’s CA, is not believed', async (context) => {
  const other = await startOther(context);
  const impostor = await startOther(context);
  const { own } = await startOwn(context);
  const request = await spiffeRequest(other);
  for (const [changes, code] of [
    [{ endpointId: `${OTHER}/somebody-else` }, 'PEER_NOT_AUTHORIZED'],
    [{ endpointUrl: await endpointOf(impostor) }, 'UNTRUSTED_CHAIN'],
  ] as const) {
    const { lastError, fetchedAt } = await own.federateByEndpoint({ ...request, ...changes });
    assert.equal(lastError?.code, code);
    assert.equal(fetchedAt, undefined);
    assert.deepEqual((await own.status()).federations[0]?.lastError, lastError);
  }
});

test('B7 unfederate takes the bundle from open streams and asks no more', async (context) => {
  const other = await startOther(context);
  const { own, clock } = await startOwn(context);
  await own.federateByEndpoint(await spiffeRequest(other));
  const roots = watchRoots(context, own, 'web');
  assert.equal(await roots(), 1);
  await clock.waitedFor(REFRESH_MS);
  await own.unfederate('other.org');
  assert.equal(await roots(), 0);
  assert.ok(!clock.pending().includes(REFRESH_MS));
  const { federations, federatesWith } = await own.status();
  assert.deepEqual([federations, federatesWith], [[], []]);
  await assert.rejects(own.unfederate('other.org'), { code: 'BUNDLE' });
});

test('the bundle that is known already verifies the endpoint; an endpoint of the own trust domain is verified by the own', async (context) => {
  const other = await startOther(context);
  const { own } = await startOwn(context);
  const { bundle, ...request } = await spiffeRequest(other);
  assert.ok(bundle !== undefined);
  await own.federate('other.org', bundle);
  assert.equal((await own.federateByEndpoint(request)).lastError, undefined);
  // Nobody serves there, but it is taken up: what would verify it is known.
  const elsewhere = { ...request, endpointId: 'spiffe://example.org/mirror', endpointUrl: 'https://127.0.0.1:1/' };
  assert.equal((await own.federateByEndpoint(elsewhere)).lastError?.code, 'BUNDLE_ENDPOINT');
});

const refused: readonly [name: string, changes: Readonly<Record<string, string | undefined>>, message: RegExp][] = [
  ['the own trust domain', { trustDomain: 'example.org' }, /another trust domain/],
  ['no https address', { endpointUrl: 'http://127.0.0.1:1/' }, /https address/],
  ['an address with a password', { endpointUrl: 'https://a:b@127.0.0.1:1/' }, /user name/],
  ['no endpoint ID', { endpointId: undefined }, /needs the SPIFFE ID/],
  ['an endpoint ID that is none', { endpointId: 'https://other.org/' }, /spiffe/],
  ['an authority of the web with https_spiffe', { endpointCaPem: 'x' }, /takes none/],
  ['an endpoint ID with https_web', { profile: 'https_web' }, /https_web has no SPIFFE ID/],
  ['another profile', { profile: 'https' }, /profile must be https_spiffe or https_web, got "https"/],
  ['nothing to verify the first answer with', { bundle: undefined }, /give its bundle document/],
  ['an endpoint of a stranger', { endpointId: 'spiffe://third.org/x' }, /federate with it first/],
  ['a bootstrap that is no bundle', { bundle: '{}' }, /keys/],
];

test('relationships that break a rule are refused over the control socket, and what was asked before goes on', async (context) => {
  const other = await startOther(context);
  const { own } = await startOwn(context);
  const request = await spiffeRequest(other);
  const control = createControlClient(own.controlSocket);
  for (const [name, changes, message] of refused)
    await assert.rejects(control.federateByEndpoint({ ...request, ...changes }), { code: 'BUNDLE', message }, name);
  assert.deepEqual((await own.status()).federations, []);
  await control.federateByEndpoint(request);
  const [before] = (await own.status()).federations;
  // What is known by now would verify the first answer.
  for (const [name, changes, message] of refused.filter(([each]) => !each.startsWith('nothing to verify')))
    await assert.rejects(control.federateByEndpoint({ ...request, ...changes }), { code: 'BUNDLE', message }, name);
  assert.deepEqual((await own.status()).federations, [before]);
});
