/**
 * What the source makes of messages, from a Workload API on a real socket.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestCa } from '@countersign/testkit';
import { ca, codeOf, job, nextEvent, renewed, serialInUse, setUp, setUpReady, web } from '../test/source-setup.ts';
import { svidEntry, svidMessage } from '../test/workload-messages.ts';
import { createWorkloadApiX509Source, type WorkloadApiX509SourceOptions } from './workload-api-source.ts';

test('L52 each call carries workload.spiffe.io: true', async (context) => {
  const { call } = await setUpReady(context);
  assert.deepEqual(call.metadata.get('workload.spiffe.io'), ['true']);
});

test('before the first message there is no identity; then SVID and bundle are there together', async (context) => {
  const { api, source } = await setUp(context);
  assert.equal(
    codeOf(() => source.current()),
    'SOURCE_NOT_READY',
  );
  (await api.nextCall()).send(svidMessage(svidEntry(ca, web)));
  const first = await source.ready();
  assert.equal(first, source.current());
  assert.equal(first.svid.id.toString(), 'spiffe://example.org/web');
  assert.equal(first.bundles.get(ca.trustDomain)?.authorities[0]?.serialNumber, ca.certificate().serialNumber);
});

test('L55 L56 the stream stays open and each message replaces the whole state', async (context) => {
  const { call, source, api } = await setUpReady(context);
  const partner = await createTestCa({ trustDomain: 'partner.example' });
  const widened = nextEvent(source, 'update');
  call.send({
    ...svidMessage(svidEntry(ca, web)),
    federatedBundles: { 'spiffe://partner.example': Buffer.from(partner.der) },
  });
  assert.deepEqual((await widened).changed, { svid: false, bundles: true });
  assert.ok(source.current().bundles.get(partner.trustDomain));
  const narrowed = nextEvent(source, 'update');
  call.send(svidMessage(svidEntry(ca, renewed)));
  assert.deepEqual((await narrowed).changed, { svid: true, bundles: true });
  assert.equal(source.current().bundles.get(partner.trustDomain), undefined);
  assert.equal(api.callCount(), 1);
});

test('L57 T26 a bad message is reported and discarded; the last good state stays', async (context) => {
  const { call, source, events } = await setUpReady(context);
  const serial = serialInUse(source);
  const bad = [
    svidMessage(),
    svidMessage(svidEntry(ca, renewed, { bundle: Buffer.alloc(0) })),
    svidMessage(svidEntry(ca, renewed, { x509SvidKey: Buffer.from(job.keyDer) })),
  ];
  for (const message of bad) {
    const reported = nextEvent(source, 'error');
    call.send(message);
    await reported;
    assert.equal(serialInUse(source), serial);
  }
  assert.deepEqual(source.health().counts, { accepted: 1, discarded: 3, failures: 0 });
  assert.deepEqual(
    events.filter(({ type }) => type === 'error').map((event) => event.type === 'error' && event.error.code),
    ['WORKLOAD_API', 'WORKLOAD_API', 'KEY_MISMATCH'],
  );
});

test('L67 an expired SVID is refused by default, reported with warn, and taken with off', async (context) => {
  const past = await ca.issue({
    path: '/web',
    notBefore: new Date(Date.now() - 7_200_000),
    notAfter: new Date(Date.now() - 3_600_000),
  });
  for (const [mode, taken, reported] of [
    ['reject', false, true],
    ['warn', true, true],
    ['off', true, false],
  ] as const) {
    const { call, source, events, clock } = await setUpReady(context, { ownSvidChecks: mode });
    const seen = nextEvent(source, taken ? 'update' : 'error');
    call.send(svidMessage(svidEntry(ca, past)));
    await seen;
    assert.equal(source.current().svid.leaf.notAfterMs < clock.now(), taken, mode);
    assert.equal(
      events.some((event) => event.type === 'error' && event.error.code === 'EXPIRED'),
      reported,
      mode,
    );
  }
});

test('T11 what a reconnect brings again is no update; a new default is', async (context) => {
  const { api, call, source, clock, events } = await setUpReady(context);
  const held = source.current();
  clock.advance(60_000);
  const told = nextEvent(source, 'error');
  call.end();
  await told;
  clock.advance(0);
  const second = await api.nextCall();
  second.send(svidMessage(svidEntry(ca, web)));
  const updated = nextEvent(source, 'update');
  second.send(svidMessage(svidEntry(ca, job), svidEntry(ca, web)));
  assert.equal((await updated).context.svid.id.path, '/job');
  assert.equal(held.svid.id.path, '/web');
  assert.deepEqual(
    events.map(({ type }) => type),
    ['update', 'error', 'update'],
  );
});

test('T12 a subscriber that reads current() first misses nothing', async (context) => {
  const { call, source } = await setUpReady(context);
  const seen: string[] = [];
  source.subscribe((event) => void (event.type === 'update' && seen.push(event.context.svid.leaf.serialNumber)));
  seen.push(serialInUse(source));
  const last = nextEvent(source, 'update');
  call.send(svidMessage(svidEntry(ca, renewed)));
  await last;
  assert.deepEqual(
    seen,
    [web, renewed].map((issued) => issued.svid().leaf.serialNumber),
  );
});

test('T13 SVID and bundle of a snapshot always come from one message', async (context) => {
  const { call, source } = await setUpReady(context);
  const mixed: string[] = [];
  source.subscribe(() => {
    const { svid, bundles } = source.current();
    const [authority] = bundles.get(svid.id.trustDomain)?.authorities ?? [];
    if (authority === undefined || svid.leaf.issuerKey !== authority.subjectKey) mixed.push(svid.leaf.serialNumber);
  });
  for (let round = 0; round < 20; round += 1) {
    const next = await createTestCa({ trustDomain: 'example.org' });
    const updated = nextEvent(source, 'update');
    call.send(svidMessage(svidEntry(next, await next.issue({ path: '/web' }))));
    await updated;
  }
  assert.deepEqual(mixed, []);
});

test('L61 T14 with a hint only that SVID is used; when it is gone the identity is withdrawn, not replaced', async (context) => {
  const { api, source } = await setUp(context, { hint: 'job' });
  const call = await api.nextCall();
  const missing = nextEvent(source, 'error');
  call.send(svidMessage(svidEntry(ca, web, { hint: 'web' })));
  assert.equal((await missing).error.code, 'NO_SVID_FOR_HINT');
  assert.equal(
    codeOf(() => source.current()),
    'SOURCE_NOT_READY',
  );
  call.send(svidMessage(svidEntry(ca, web, { hint: 'web' }), svidEntry(ca, job, { hint: 'job' })));
  assert.equal((await source.ready()).svid.id.path, '/job');
  const withdrawn = nextEvent(source, 'withdrawn');
  call.send(svidMessage(svidEntry(ca, web, { hint: 'web' })));
  assert.equal((await withdrawn).error.code, 'NO_SVID_FOR_HINT');
  assert.equal(
    codeOf(() => source.current()),
    'NO_SVID_FOR_HINT',
  );
});

test('a picker that throws is reported and the last good state stays', async (context) => {
  let fails = false;
  const picker: WorkloadApiX509SourceOptions['picker'] = (svids) => {
    if (fails) throw new Error('picker is broken');
    return svids.at(-1);
  };
  const { call, source } = await setUpReady(context, { picker });
  fails = true;
  const reported = nextEvent(source, 'error');
  call.send(svidMessage(svidEntry(ca, renewed)));
  assert.match((await reported).error.message, /picker is broken/);
  assert.equal(source.current().svid.id.path, '/web');
});

test('a large message, as with many federated bundles, is taken', async (context) => {
  const { call, source } = await setUpReady(context);
  const crl = Array.from({ length: 6 }, () => Buffer.alloc(1024 * 1024));
  const updated = nextEvent(source, 'update');
  call.send({ ...svidMessage(svidEntry(ca, renewed)), crl });
  assert.equal((await updated).context.svid.leaf.serialNumber, renewed.svid().leaf.serialNumber);
});

for (const [name, options] of Object.entries({
  'hint and picker together': { hint: 'x', picker: () => undefined },
  'an empty hint': { hint: '' },
  'a negative grace period': { withdrawGraceMs: -1 },
  'a timeout that is no number': { initialTimeoutMs: Number.NaN },
})) {
  test(`refuses ${name}`, () => {
    assert.throws(() => createWorkloadApiX509Source({ endpoint: 'unix:///x.sock', ...options }), TypeError);
  });
}
