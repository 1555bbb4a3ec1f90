/**
 * The live JWT bundles, from a Workload API on a real socket.
 */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { createManualClock } from '@countersign/testkit';
import { status } from '@grpc/grpc-js';
import { createFakeJwtApi } from '../test/fake-jwt-api.ts';
import { AUDIENCE, createJwtKey, jwksOf, NOW_MS, signToken } from '../test/jwt-fixture.ts';
import { createExponentialBackoff } from './backoff.ts';
import { validateJwtSvid } from './jwt-svid.ts';
import { TrustDomain } from './trust-domain.ts';
import {
  createWorkloadApiJwtBundleSource,
  type JwtBundleSourceEvent,
  type WorkloadApiJwtBundleSource,
  type WorkloadApiJwtBundleSourceOptions,
} from './workload-api-jwt-bundle-source.ts';

const key = createJwtKey('P-256', 'one');
const next = createJwtKey('P-256', 'two');
const own = TrustDomain.parse('example.org');
const partner = TrustDomain.parse('partner.example');

async function setUp(t: TestContext, options: WorkloadApiJwtBundleSourceOptions = {}) {
  const api = await createFakeJwtApi(t);
  const clock = createManualClock();
  const backoff = createExponentialBackoff({ random: () => 1 });
  const source = createWorkloadApiJwtBundleSource({ endpoint: api.endpoint, clock, backoff, ...options });
  t.after(() => source.close());
  const events: JwtBundleSourceEvent[] = [];
  source.subscribe((event) => events.push(event));
  return { api, clock, source, events, stream: await api.nextStream() };
}

function nextEvent<Type extends JwtBundleSourceEvent['type']>(source: WorkloadApiJwtBundleSource, type: Type) {
  return new Promise<Extract<JwtBundleSourceEvent, { type: Type }>>((resolve) => {
    const stop = source.subscribe((event) => {
      if (event.type !== type) return;
      stop();
      resolve(event as Extract<JwtBundleSourceEvent, { type: Type }>);
    });
  });
}

const first = { 'spiffe://example.org': jwksOf(key) };

test('L56 L62 bundles come by stream, and each message replaces the whole state', async (t) => {
  const { source, stream } = await setUp(t);
  assert.deepEqual(stream.metadata.get('workload.spiffe.io'), ['true']);
  assert.throws(() => source.get(own), { code: 'SOURCE_NOT_READY' });
  stream.send({ ...first, 'spiffe://partner.example': jwksOf(next) });
  assert.deepEqual((await source.ready()).trustDomains().map(String), ['example.org', 'partner.example']);
  const updated = nextEvent(source, 'update');
  stream.send(first);
  await updated;
  assert.equal(source.get(partner), undefined);
});

test('L36 tokens are validated by the keys of the moment', async (t) => {
  const { source, stream } = await setUp(t);
  stream.send(first);
  await source.ready();
  const validate = (signer: typeof key) =>
    validateJwtSvid(signToken(signer, 'ES256'), { audience: AUDIENCE, bundles: source, nowMs: NOW_MS }).id.path;
  assert.equal(validate(key), '/web');
  assert.throws(() => validate(next), { code: 'JWT_KEY_UNKNOWN' });
  const updated = nextEvent(source, 'update');
  stream.send({ 'spiffe://example.org': jwksOf(next) });
  await updated;
  assert.equal(validate(next), '/web');
  assert.throws(() => validate(key), { code: 'JWT_KEY_UNKNOWN' });
});

test('L57 T15 a bad message is reported and discarded whole', async (t) => {
  const { source, stream } = await setUp(t);
  stream.send(first);
  await source.ready();
  for (const [bundles, code] of [
    [{}, 'WORKLOAD_API'],
    [{ ...first, 'spiffe://partner.example': Buffer.from('{}') }, 'INVALID_BUNDLE'],
    [{ 'example.org': jwksOf(next) }, 'INVALID_SPIFFE_ID'],
    [{ 'spiffe://example.org/web': jwksOf(next) }, 'INVALID_BUNDLE'],
  ] as const) {
    const reported = nextEvent(source, 'error');
    stream.send(bundles);
    assert.equal((await reported).error.code, code);
    assert.equal(source.get(own)?.keys[0]?.keyId, 'one');
  }
});

test('L58 denied bundles are withdrawn after the grace period, and come back', async (t) => {
  const { api, clock, source, stream, events } = await setUp(t);
  stream.send(first);
  await source.ready();
  const told = nextEvent(source, 'error');
  stream.end(status.PERMISSION_DENIED, 'no identity issued');
  await told;
  assert.equal(source.get(own)?.keys.length, 1);
  const withdrawn = nextEvent(source, 'withdrawn');
  clock.advance(2000);
  await withdrawn;
  assert.throws(() => source.get(own), { code: 'IDENTITY_WITHDRAWN' });
  const again = await api.nextStream();
  const back = nextEvent(source, 'update');
  again.send(first);
  await back;
  assert.equal(source.get(own)?.keys.length, 1);
  assert.deepEqual(
    events.map(({ type }) => type),
    ['update', 'error', 'withdrawn', 'update'],
  );
});

test('L58 T11 an agent that denies while it restarts withdraws nothing, and the same bundles are no update', async (t) => {
  const { api, clock, source, stream, events } = await setUp(t);
  stream.send(first);
  await source.ready();
  const told = nextEvent(source, 'error');
  stream.end(status.PERMISSION_DENIED, 'no identity issued');
  await told;
  clock.advance(1999);
  const again = await api.nextStream();
  again.send(first);
  const marker = nextEvent(source, 'update');
  again.send({ 'spiffe://example.org': jwksOf(next) });
  await marker;
  clock.advance(10_000);
  assert.equal(source.get(own)?.keys[0]?.keyId, 'two');
  assert.deepEqual(
    events.map(({ type }) => type),
    ['update', 'error', 'update'],
  );
});

test('L54 what can not help is not asked again', async (t) => {
  const { clock, source, stream } = await setUp(t);
  stream.end(status.UNIMPLEMENTED, 'no JWT here');
  await assert.rejects(source.ready(), { code: 'WORKLOAD_API', message: /UNIMPLEMENTED/ });
  assert.throws(() => source.current(), { message: /UNIMPLEMENTED/ });
  assert.deepEqual(clock.pending(), []);
});

test('T8 waiting for the first bundles ends in time, says why and leaves nothing open', async (t) => {
  const { clock, source, stream } = await setUp(t, { initialTimeoutMs: 500 });
  const told = nextEvent(source, 'error');
  stream.end(status.PERMISSION_DENIED, 'no identity issued');
  await told;
  clock.advance(500);
  await assert.rejects(source.ready(), { code: 'SOURCE_TIMEOUT', message: /no identity issued/ });
  assert.deepEqual(clock.pending(), []);
});

test('T24 closing ends stream and timers', async (t) => {
  const { clock, source, stream } = await setUp(t);
  stream.send(first);
  await source.ready();
  await source[Symbol.asyncDispose]();
  await stream.cancelled;
  assert.throws(() => source.current(), { code: 'SOURCE_CLOSED' });
  assert.deepEqual(clock.pending(), []);
});
