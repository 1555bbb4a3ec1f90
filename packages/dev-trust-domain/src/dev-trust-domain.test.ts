/**
 * The trust domain as workloads see it: through sources that verify what they are given.
 */
import assert from 'node:assert/strict';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import {
  createWorkloadApiX509Source,
  verifyX509Svid,
  type WorkloadApiX509Source,
  type X509SourceEvent,
} from '@countersign/spiffe-tls';
import { createManualClock } from '@countersign/testkit';
import { registrationOf, startTemporary, temporaryDirectory } from '../test/temporary.ts';
import { type DevTrustDomain, startDevTrustDomain } from './dev-trust-domain.ts';

function openSource(context: TestContext, trustDomain: DevTrustDomain, name: string): WorkloadApiX509Source {
  const source = createWorkloadApiX509Source({ endpoint: trustDomain.socketOf(name), ownSvidChecks: 'off' });
  context.after(() => source.close());
  return source;
}

type Update = Extract<X509SourceEvent, { type: 'update' }>;

/** Settles with the first update that fits. */
function nextUpdate(source: WorkloadApiX509Source, fits: (event: Update) => boolean = () => true): Promise<Update> {
  return new Promise((resolve) => {
    const stop = source.subscribe((event) => {
      if (event.type !== 'update' || !fits(event)) return;
      stop();
      resolve(event);
    });
  });
}

test('D16 a new root is published, then signs, then the old one is dropped; every SVID verifies everywhere all the way', async (context) => {
  const trustDomain = await startTemporary(context);
  const sources = [openSource(context, trustDomain, 'web'), openSource(context, trustDomain, 'job')] as const;
  await Promise.all(sources.map((source) => source.ready()));
  const steps: string[] = [];
  for (const [index, source] of sources.entries()) {
    source.subscribe((event) => {
      if (event.type !== 'update') return;
      const { svid, bundles } = event.context;
      if (index === 0)
        steps.push(`${event.changed.svid ? 'svid' : 'bundle'} ${bundles.get(svid.id.trustDomain)?.authorities.length}`);
      for (const other of sources) {
        // What the other presents now has to verify by what this one trusts now.
        const { chain } = other.current().svid;
        verifyX509Svid({ chain: chain.map(({ der }) => der), bundles, nowMs: Date.now() });
      }
    });
  }
  const dropped = sources.map((source) =>
    nextUpdate(source, ({ context: { svid, bundles } }) => bundles.get(svid.id.trustDomain)?.authorities.length === 1),
  );
  // The pause lets both take in the new root before it signs.
  const rotated = await trustDomain.rotateCa({ settleMs: 100, dropAfterMs: 100 });
  await Promise.all([...dropped, trustDomain.whenOldRootsDropped()]);
  assert.deepEqual(steps, ['bundle 2', 'svid 2', 'bundle 1']);
  const { svid, bundles } = sources[0].current();
  assert.equal(bundles.get(svid.id.trustDomain)?.authorities[0]?.serialNumber, rotated.serialNumber);
  assert.notEqual(rotated.serialNumber, rotated.previousSerialNumber);
});

test('D16 by default the old root stays until the last SVID that it signed has expired', async (context) => {
  const clock = createManualClock();
  const trustDomain = await startTemporary(context, { clock, svidTtlMs: 60_000, caSettleMs: 77 });
  const rotating = trustDomain.rotateCa();
  await clock.waitedFor(77);
  clock.advance(77);
  const { dropsAt } = await rotating;
  const roles = async () => (await trustDomain.status()).authorities.map(({ role }) => role);
  assert.deepEqual(await roles(), ['active', 'retiring']);
  const [first] = (await trustDomain.status()).workloads;
  // Whole seconds: X.509 has no smaller unit.
  assert.ok(Math.abs(Date.parse(dropsAt) - Date.parse(first?.identities[0]?.notAfter ?? '')) <= 1000);
  const dropped = trustDomain.whenOldRootsDropped();
  clock.advance(60_000);
  await dropped;
  assert.deepEqual(await roles(), ['active']);
});

test('an SVID is replaced at half its life, less a tenth at most', async (context) => {
  const serials = async (trustDomain: DevTrustDomain) =>
    (await trustDomain.status()).workloads.map(({ identities }) => identities[0]?.serialNumber);
  for (const [random, dueMs] of [
    [() => 0, 30_000],
    [() => 1, 27_000],
  ] as const) {
    const clock = createManualClock(Math.floor(Date.now() / 1000) * 1000);
    const trustDomain = await startTemporary(context, {
      clock,
      random,
      svidTtlMs: 60_000,
      registrations: [registrationOf('web')],
    });
    const source = openSource(context, trustDomain, 'web');
    const [before] = await Promise.all([serials(trustDomain), source.ready()]);
    clock.advance(dueMs - 1);
    assert.deepEqual(await serials(trustDomain), before);
    const renewed = nextUpdate(source);
    clock.advance(1);
    assert.notDeepEqual((await renewed).context.svid.leaf.serialNumber, before[0]);
  }
});

test('the CA is replaced by itself before it expires', async (context) => {
  const clock = createManualClock();
  const events: string[] = [];
  let told = () => {};
  const activated = new Promise<void>((resolve) => {
    told = resolve;
  });
  const log = ({ event }: { event: string }) => {
    events.push(event);
    if (event === 'ca-activated') told();
  };
  const trustDomain = await startTemporary(context, {
    clock,
    log,
    svidTtlMs: 60_000,
    caTtlMs: 240_000,
    caSettleMs: 77,
  });
  const [before] = (await trustDomain.status()).authorities;
  const settling = clock.waitedFor(77);
  clock.advance(140_000);
  await settling;
  clock.advance(77);
  await activated;
  const [after] = (await trustDomain.status()).authorities;
  assert.notEqual(after?.serialNumber, before?.serialNumber);
  assert.deepEqual(
    events.filter((event) => event.startsWith('ca-')),
    ['ca-created', 'ca-published', 'ca-activated'],
  );
});

test('a CA on disk survives a restart; one in memory does not', async (context) => {
  const caDirectory = join(await temporaryDirectory(context), 'ca');
  const serialOf = async (options: { caDirectory?: string }) => {
    const trustDomain = await startTemporary(context, options);
    const { authorities } = await trustDomain.status();
    await trustDomain.close();
    return authorities[0]?.serialNumber;
  };
  assert.equal(await serialOf({ caDirectory }), await serialOf({ caDirectory }));
  assert.notEqual(await serialOf({}), await serialOf({}));
});

test('a root that was about to be dropped when the trust domain stopped is in the bundle after the restart, and dropped then', async (context) => {
  const caDirectory = join(await temporaryDirectory(context), 'ca');
  const first = await startTemporary(context, { caDirectory });
  const { previousSerialNumber } = await first.rotateCa({ dropAfterMs: 3_600_000 });
  await first.close();
  const clock = createManualClock();
  const second = await startTemporary(context, { caDirectory, clock, svidTtlMs: 60_000 });
  assert.deepEqual(
    (await second.status()).authorities.map(({ role }) => role),
    ['active', 'retiring'],
  );
  assert.equal((await second.status()).authorities[1]?.serialNumber, previousSerialNumber);
  const dropped = second.whenOldRootsDropped();
  clock.advance(60_000);
  await dropped;
  assert.deepEqual(
    (await second.status()).authorities.map(({ role }) => role),
    ['active'],
  );
});

test('a CA that expired while nothing ran is made anew', async (context) => {
  const caDirectory = join(await temporaryDirectory(context), 'ca');
  const past = createManualClock(Date.now() - 86_400_000);
  await (await startTemporary(context, { caDirectory, clock: past, svidTtlMs: 1000, caTtlMs: 60_000 })).close();
  const reasons: unknown[] = [];
  const trustDomain = await startTemporary(context, {
    caDirectory,
    log: (event) => void (event.event === 'ca-created' && reasons.push(event['reason'])),
  });
  assert.deepEqual(reasons, ['it has expired']);
  assert.ok(Date.parse((await trustDomain.status()).authorities[0]?.notAfter ?? '') > Date.now());
});

test('after the host slept, a stream gets a fresh SVID first, not the expired one', async (context) => {
  let nowMs = Date.now();
  const clock = { ...createManualClock(), now: () => nowMs };
  const trustDomain = await startTemporary(context, {
    clock,
    svidTtlMs: 60_000,
    registrations: [registrationOf('web')],
  });
  nowMs += 600_000;
  const { svid } = await openSource(context, trustDomain, 'web').ready();
  assert.ok(svid.leaf.notAfterMs > nowMs);
});

test('after the host slept, an open stream gets a fresh SVID within 15 s, though its timer stood still', async (context) => {
  let sleptMs = 0;
  const awake = createManualClock();
  const clock = { ...awake, now: () => awake.now() + sleptMs };
  const trustDomain = await startTemporary(context, {
    clock,
    svidTtlMs: 3_600_000,
    registrations: [registrationOf('web')],
  });
  const source = openSource(context, trustDomain, 'web');
  await source.ready();
  sleptMs = 7_200_000;
  const renewed = nextUpdate(source);
  awake.advance(15_000);
  assert.ok((await renewed).context.svid.leaf.notAfterMs > clock.now());
});

test('D4 a workload that is new gets a socket and an identity; with a namespace its name is enough', async (context) => {
  const trustDomain = await startTemporary(context, { namespace: 'store' });
  const { socket } = await trustDomain.register({ name: 'late' });
  assert.equal(socket, trustDomain.socketOf('late'));
  const { svid } = await openSource(context, trustDomain, 'late').ready();
  assert.equal(svid.id.toString(), 'spiffe://example.org/ns/store/sa/late');
  assert.deepEqual(svid.leaf.dnsSans, ['late.store.example.org']);
});

test('a name that is new needs an ID where there is no namespace; a known one gets its own back', async (context) => {
  const trustDomain = await startTemporary(context);
  await assert.rejects(trustDomain.register({ name: 'late' }), { code: 'REGISTRATION', message: /needs a spiffeId/ });
  await trustDomain.unregister('web');
  const { identities } = await trustDomain.register({ name: 'web' });
  assert.deepEqual(
    identities.map(({ spiffeId, dnsNames }) => [spiffeId, dnsNames]),
    [['spiffe://example.org/web', ['web.example.org']]],
  );
});

test('D8 two identities can not share a common name, and no two of one workload a hint', async (context) => {
  const trustDomain = await startTemporary(context, { registrations: [registrationOf('web', { hint: 'h' })] });
  await assert.rejects(trustDomain.register(registrationOf('thief', { dnsNames: ['web.example.org'] })), {
    code: 'REGISTRATION',
    message: /common name/,
  });
  const second = registrationOf('web', { spiffeId: 'spiffe://example.org/second', dnsNames: [], hint: 'h' });
  await assert.rejects(trustDomain.register(second), { code: 'REGISTRATION', message: /hint/ });
  assert.deepEqual(
    (await trustDomain.status()).workloads.map(({ name, identities }) => [name, identities.length]),
    [['web', 1]],
  );
});

test('unknown names are refused with the names there are', async (context) => {
  const trustDomain = await startTemporary(context);
  for (const ask of [
    () => trustDomain.rotate('nobody'),
    () => trustDomain.unregister('nobody'),
    async () => trustDomain.socketOf('nobody'),
  ]) {
    await assert.rejects(ask, { code: 'UNKNOWN_WORKLOAD', message: /there are web, job/ });
  }
  await assert.rejects(trustDomain.unregister('web', 'spiffe://example.org/job'), { code: 'UNKNOWN_WORKLOAD' });
});

test('D6 the jitter that is drawn takes its part off the wait for rotation; 0 is none', async (context) => {
  for (const [rotationJitter, drawn, waitMs] of [
    [0.4, 0.5, 8_000],
    [0.4, 0, 10_000],
    [0, 0.9, 10_000],
    [undefined, 1, 9_000],
  ] as const) {
    // At the beginning of a second: certificates have no smaller unit.
    const clock = createManualClock(Math.floor(Date.now() / 1000) * 1000);
    const settings = { clock, svidTtlMs: 20_000, random: () => drawn, registrations: [registrationOf('web')] };
    await startTemporary(context, { ...settings, ...(rotationJitter === undefined ? {} : { rotationJitter }) });
    assert.ok(clock.pending().includes(waitMs), `${rotationJitter} x ${drawn}: ${clock.pending().join(' ')}`);
  }
});

test('D21 the environment of the process counts where none is given', async (context) => {
  const { NODE_ENV: before } = process.env;
  context.after(() => {
    if (before === undefined) delete process.env['NODE_ENV'];
    else process.env['NODE_ENV'] = before;
  });
  process.env['NODE_ENV'] = 'production';
  await assert.rejects(startTemporary(context), { code: 'PRODUCTION' });
});

test('D21 refuses to run in production unless it is told to', async (context) => {
  const runDirectory = await temporaryDirectory(context);
  const options = { trustDomain: 'example.org', runDirectory, registrations: [], env: { NODE_ENV: 'production' } };
  await assert.rejects(startDevTrustDomain(options), { code: 'PRODUCTION', message: /NODE_ENV=production/ });
  await startTemporary(context, { ...options, allowProduction: true });
});

for (const [name, options] of Object.entries({
  'a life of nothing': { svidTtlMs: 0 },
  'a CA that lives no longer than its SVIDs': { svidTtlMs: 60_000, caTtlMs: 60_000 },
  'a rotation after the end': { rotateAtFraction: 1 },
  'jitter that eats the whole wait': { rotationJitter: 1 },
  'an issuer that is no address': { jwtIssuer: 'localhost' },
  'a wait that is no number': { caSettleMs: Number.NaN },
})) {
  test(`refuses ${name}`, async (context) => {
    await assert.rejects(startTemporary(context, options), { code: 'CONFIGURATION' });
  });
}

test('one directory, one trust domain; a failed start leaves nothing behind', async (context) => {
  const first = await startTemporary(context);
  await assert.rejects(startTemporary(context, { runDirectory: first.runDirectory }), {
    code: 'SOCKET',
    message: /another server answers/,
  });
  assert.equal((await openSource(context, first, 'web').ready()).svid.id.path, '/web');

  const runDirectory = await temporaryDirectory(context);
  const tooLong = [registrationOf('web'), registrationOf(`w${'x'.repeat(61)}`, { dnsNames: [] })];
  await assert.rejects(
    startTemporary(context, { runDirectory: join(runDirectory, 'y'.repeat(30)), registrations: tooLong }),
    { code: 'SOCKET' },
  );
  await startTemporary(context, { runDirectory: join(runDirectory, 'y'.repeat(30)) });
});

test('close removes the sockets and is idempotent; after it everything is refused', async (context) => {
  const trustDomain = await startTemporary(context);
  const paths = [trustDomain.controlSocket, join(trustDomain.runDirectory, 'web', 'api.sock')];
  for (const path of paths) assert.ok((await stat(path)).isSocket());
  await Promise.all([trustDomain.close(), trustDomain.close()]);
  for (const path of paths) await assert.rejects(stat(path), { code: 'ENOENT' });
  await assert.rejects(trustDomain.rotate(), { code: 'CLOSED' });
});

test('closing in the middle of a CA rotation ends it', async (context) => {
  const trustDomain = await startTemporary(context);
  const source = openSource(context, trustDomain, 'web');
  await source.ready();
  const published = nextUpdate(source);
  const rotating = trustDomain.rotateCa({ settleMs: 3_600_000 });
  await published;
  await Promise.all([assert.rejects(rotating, { code: 'CLOSED' }), trustDomain.close()]);
});
