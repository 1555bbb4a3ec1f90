import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { createManualClock, createTestCa } from '@countersign/testkit';
import { status } from '@grpc/grpc-js';
import { createFakeWorkloadApi } from '../test/fake-workload-api.ts';
import { createExponentialBackoff } from './backoff.ts';
import { verifyX509Svid } from './verify-peer.ts';
import {
  createWorkloadApiX509BundleSource,
  type WorkloadApiX509BundleSource,
  type WorkloadApiX509BundleSourceOptions,
  type X509BundleEvent,
} from './workload-api-bundle-source.ts';

const ca = await createTestCa({ trustDomain: 'example.org' });
const nextCa = await createTestCa({ trustDomain: 'example.org' });
const partner = await createTestCa({ trustDomain: 'partner.example' });
const OWN = 'spiffe://example.org';
const PARTNER = 'spiffe://partner.example';

/** A source whose first call has come, and the events it tells. */
async function setUp(t: TestContext, options: WorkloadApiX509BundleSourceOptions = {}) {
  const api = await createFakeWorkloadApi();
  const clock = createManualClock();
  const backoff = createExponentialBackoff({ random: () => 1 });
  const source = createWorkloadApiX509BundleSource({ endpoint: api.endpoint, clock, backoff, ...options });
  t.after(async () => {
    source.close();
    await api.close();
  });
  const events: X509BundleEvent[] = [];
  source.subscribe((event) => events.push(event));
  return { api, clock, source, events, call: await api.nextCall() };
}

/** The next event. Ask before causing it. */
function next(source: WorkloadApiX509BundleSource): Promise<X509BundleEvent> {
  return new Promise((resolve) => {
    const stop = source.subscribe((event) => {
      stop();
      resolve(event);
    });
  });
}

const trusted = (source: WorkloadApiX509BundleSource) => source.current().trustDomains().map(String);

test('L63 bundles without an SVID: a peer is verified against its own trust domain', async (t) => {
  const { source, call } = await setUp(t);
  call.sendBundles({ [OWN]: ca.der, [PARTNER]: partner.der });
  await source.ready();
  assert.deepEqual(trusted(source), ['example.org', 'partner.example']);
  const nowMs = Date.now();
  const own = await ca.issue();
  const forged = await partner.issue({ uris: ['spiffe://example.org/workload'] });
  assert.equal(
    verifyX509Svid({ chain: own.chain, bundles: source, nowMs }).id.toString(),
    'spiffe://example.org/workload',
  );
  assert.throws(() => verifyX509Svid({ chain: forged.chain, bundles: source, nowMs }), { code: 'UNTRUSTED_CHAIN' });
});

test('L63 L56 each message is the whole state: a bundle left out is trusted no more', async (t) => {
  const { source, call } = await setUp(t);
  call.sendBundles({ [OWN]: ca.der, [PARTNER]: partner.der });
  await source.ready();
  const update = next(source);
  call.sendBundles({ [OWN]: Buffer.concat([ca.der, nextCa.der]) });
  assert.equal((await update).type, 'update');
  assert.equal(source.get(partner.trustDomain), undefined);
  assert.equal(source.get(ca.trustDomain)?.authorities.length, 2);
});

test('L63 before the first message nobody is trusted', async (t) => {
  const { source } = await setUp(t);
  assert.equal(source.get(ca.trustDomain), undefined);
  const chain = (await ca.issue()).chain;
  assert.throws(() => verifyX509Svid({ chain, bundles: source, nowMs: Date.now() }), { code: 'NO_BUNDLE' });
});

test('T11 the same bundles again are no update', async (t) => {
  const { source, call, events } = await setUp(t);
  call.sendBundles({ [OWN]: ca.der });
  call.sendBundles({ [OWN]: ca.der });
  await source.ready();
  const update = next(source);
  call.sendBundles({ [OWN]: nextCa.der });
  await update;
  assert.deepEqual(
    events.map(({ type }) => type),
    ['update', 'update'],
  );
});

const BAD: ReadonlyArray<readonly [string, Readonly<Record<string, Uint8Array>>, string]> = [
  ['no bundles at all', {}, 'WORKLOAD_API'],
  ['a key that is no SPIFFE ID', { 'example.org': ca.der }, 'INVALID_SPIFFE_ID'],
  ["a workload's ID as the key", { [`${OWN}/a`]: ca.der }, 'INVALID_BUNDLE'],
  ['bytes that are no certificate', { [OWN]: Buffer.from('no') }, 'INVALID_BUNDLE'],
  ['bytes after a certificate', { [OWN]: Buffer.concat([ca.der, Buffer.from([0])]) }, 'INVALID_BUNDLE'],
  ['one bad bundle among good ones', { [OWN]: nextCa.der, [PARTNER]: Buffer.from([0x30]) }, 'INVALID_BUNDLE'],
];

for (const [name, bundles, code] of BAD) {
  test(`L57 L63 T15 discarded, and the last good bundles stay: ${name}`, async (t) => {
    const { source, call } = await setUp(t);
    call.sendBundles({ [OWN]: ca.der });
    const good = await source.ready();
    const told = next(source);
    call.sendBundles(bundles);
    const event = await told;
    assert.ok(event.type === 'error');
    assert.equal(event.error.code, code);
    assert.equal(source.current(), good);
    assert.equal(source.lastError()?.code, code);
  });
}

test('L55 an agent that goes away keeps the bundles in use, and is asked again', async (t) => {
  const { api, clock, source, call } = await setUp(t);
  call.sendBundles({ [OWN]: ca.der });
  await source.ready();
  const told = next(source);
  call.end(status.UNAVAILABLE, 'restarting');
  assert.equal((await told).type, 'error');
  assert.deepEqual(trusted(source), ['example.org']);
  const again = api.nextCall();
  clock.advance(clock.pending()[0] ?? 0);
  const update = next(source);
  (await again).sendBundles({ [OWN]: nextCa.der });
  assert.equal((await update).type, 'update');
  assert.equal(source.lastError(), undefined);
});

test('L58 T9 denied for longer than the grace: nobody is trusted, until bundles come again', async (t) => {
  const { api, clock, source, call, events } = await setUp(t);
  call.sendBundles({ [OWN]: ca.der });
  await source.ready();
  const told = next(source);
  call.end(status.PERMISSION_DENIED, 'no identity issued');
  await told;
  assert.deepEqual(trusted(source), ['example.org'], 'in the grace');
  const again = api.nextCall();
  clock.advance(2000);
  assert.deepEqual(trusted(source), []);
  assert.deepEqual(
    events.map(({ type }) => type),
    ['update', 'error', 'withdrawn'],
  );
  const update = next(source);
  (await again).sendBundles({ [OWN]: ca.der });
  assert.equal((await update).type, 'update');
  assert.deepEqual(trusted(source), ['example.org']);
});

test('L54 an answer that no asking mends rejects ready, and is not asked again', async (t) => {
  const { source, call, clock } = await setUp(t);
  call.end(status.UNIMPLEMENTED, 'no such method');
  await assert.rejects(source.ready(), { code: 'WORKLOAD_API', message: /UNIMPLEMENTED/ });
  assert.deepEqual(clock.pending(), []);
});

test('T7 T8 the deadline names what the Workload API said, and ends everything', async (t) => {
  const { source, call, clock } = await setUp(t, { initialTimeoutMs: 100 });
  const told = next(source);
  call.end(status.PERMISSION_DENIED, 'no identity issued');
  await told;
  clock.advance(100);
  await assert.rejects(source.ready(), { code: 'SOURCE_TIMEOUT', message: /no identity issued/ });
  assert.deepEqual(clock.pending(), []);
});

test('T24 close cancels the stream, forgets the bundles and can be called twice', async (t) => {
  const { source, call, clock } = await setUp(t);
  call.sendBundles({ [OWN]: ca.der });
  await source.ready();
  source.close();
  await source[Symbol.asyncDispose]();
  await call.cancelled;
  assert.deepEqual(trusted(source), []);
  assert.deepEqual(clock.pending(), []);
  assert.equal(source.lastError()?.code, 'SOURCE_CLOSED');
});
