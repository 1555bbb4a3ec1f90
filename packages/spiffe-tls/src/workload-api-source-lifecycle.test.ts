/**
 * How the source lives with a Workload API on a real socket: failures, withdrawal, deadlines, closing. Time is moved by
 * hand; nothing here waits for a timer.
 */
import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { test } from 'node:test';
import { createManualClock } from '@countersign/testkit';
import { status } from '@grpc/grpc-js';
import { createFakeWorkloadApi } from '../test/fake-workload-api.ts';
import { ca, codeOf, nextEvent, renewed, setUp, setUpReady, web } from '../test/source-setup.ts';
import { svidEntry, svidMessage } from '../test/workload-messages.ts';
import { createExponentialBackoff } from './backoff.ts';
import { SpiffeTlsError } from './errors.ts';
import { SOURCE_CHANNEL } from './source-events.ts';
import { createWorkloadApiX509Source } from './workload-api-source.ts';

test('L55 after a clean end or a crash the source asks again at once, and keeps its identity meanwhile', async (context) => {
  const { api, call, source, clock } = await setUpReady(context);
  clock.advance(60_000);
  const told = nextEvent(source, 'error');
  call.end();
  await told;
  assert.deepEqual(clock.pending(), [0]);
  assert.equal(source.current().svid.id.path, '/web');
  clock.advance(0);
  const second = await api.nextCall();
  const updated = nextEvent(source, 'update');
  second.send(svidMessage(svidEntry(ca, renewed)));
  await updated;
});

test('T10 a server that answers and hangs up is not called in a tight loop', async (context) => {
  const { api, call, source, clock } = await setUpReady(context);
  let open = call;
  for (const wait of [250, 500, 1000]) {
    const paused = clock.waitedFor(wait);
    open.end();
    await paused;
    clock.advance(wait);
    open = await api.nextCall();
    open.send(svidMessage(svidEntry(ca, web)));
  }
  assert.equal(source.current().svid.id.path, '/web');
});

test('L54 unavailable: asks again after growing waits until the agent is back', async (context) => {
  const { api, source, clock } = await setUp(context, { initialTimeoutMs: Number.POSITIVE_INFINITY });
  for (const wait of [250, 500, 1000]) {
    const paused = clock.waitedFor(wait);
    (await api.nextCall()).end(status.UNAVAILABLE, 'starting');
    await paused;
    clock.advance(wait);
  }
  (await api.nextCall()).send(svidMessage(svidEntry(ca, web)));
  assert.equal((await source.ready()).svid.id.path, '/web');
});

test('L54 an agent that is not there yet is found when it starts', async (context) => {
  const placeholder = await createFakeWorkloadApi();
  context.after(() => placeholder.close());
  const path = `${placeholder.path}.later`;
  const clock = createManualClock();
  const source = createWorkloadApiX509Source({
    endpoint: `unix://${path}`,
    clock,
    backoff: createExponentialBackoff({ random: () => 1 }),
  });
  context.after(() => source.close());
  await clock.waitedFor(250);
  const api = await createFakeWorkloadApi(path);
  context.after(() => api.close());
  clock.advance(250);
  (await api.nextCall()).send(svidMessage(svidEntry(ca, web)));
  assert.equal((await source.ready()).svid.id.path, '/web');
});

for (const code of [status.INVALID_ARGUMENT, status.UNIMPLEMENTED]) {
  test(`L54 ${status[code]}: reports and stops`, async (context) => {
    const { api, source, clock } = await setUp(context);
    (await api.nextCall()).end(code, 'never');
    await assert.rejects(
      source.ready(),
      (error) =>
        error instanceof SpiffeTlsError && error.code === 'WORKLOAD_API' && error.message.includes(`${status[code]}`),
    );
    assert.deepEqual(clock.pending(), []);
    assert.equal(source.health().status, 'stopped');
    assert.equal(api.callCount(), 1);
    assert.equal(
      codeOf(() => source.current()),
      'SOURCE_NOT_READY',
    );
  });
}

test('T7 T10 not registered yet: asks at most once a second and becomes ready when it is', async (context) => {
  const { api, source, clock } = await setUp(context, { backoff: createExponentialBackoff({ random: () => 0 }) });
  for (let attempt = 0; attempt < 4; attempt += 1) {
    const paused = clock.waitedFor(1000);
    (await api.nextCall()).end(status.PERMISSION_DENIED, 'no identity issued');
    await paused;
    clock.advance(999);
    assert.equal(api.callCount(), attempt + 1);
    clock.advance(1);
  }
  (await api.nextCall()).send(svidMessage(svidEntry(ca, web)));
  assert.equal((await source.ready()).svid.id.path, '/web');
});

test('L58 T9 denied in mid-life: withdrawn after the grace period, and back by itself when registered again', async (context) => {
  const { api, call, source, clock } = await setUpReady(context);
  const denied = nextEvent(source, 'error');
  call.end(status.PERMISSION_DENIED, 'no identity issued');
  await denied;
  assert.equal(source.health().status, 'denied');
  clock.advance(1999);
  assert.equal(source.current().svid.id.path, '/web');
  const withdrawn = nextEvent(source, 'withdrawn');
  clock.advance(1);
  const { error } = await withdrawn;
  assert.equal(error.code, 'IDENTITY_WITHDRAWN');
  assert.ok(error.cause instanceof SpiffeTlsError && error.cause.message.includes('no identity issued'));
  assert.equal(
    codeOf(() => source.current()),
    'IDENTITY_WITHDRAWN',
  );

  const back = nextEvent(source, 'update');
  (await api.nextCall()).send(svidMessage(svidEntry(ca, web)));
  assert.deepEqual((await back).changed, { svid: true, bundles: true });
  assert.equal(source.current().svid.id.path, '/web');
});

test('L58 a denial that a restarting agent takes back within the grace period changes nothing', async (context) => {
  const { api, call, source, clock, events } = await setUpReady(context);
  const paused = clock.waitedFor(1250);
  call.end(status.PERMISSION_DENIED, 'no identity issued');
  await paused;
  clock.advance(1250);
  const second = await api.nextCall();
  second.send(svidMessage(svidEntry(ca, web)));
  const updated = nextEvent(source, 'update');
  second.send(svidMessage(svidEntry(ca, renewed)));
  await updated;
  clock.advance(60_000);
  assert.equal(source.current().svid.leaf.serialNumber, renewed.svid().leaf.serialNumber);
  assert.deepEqual(
    events.map(({ type }) => type),
    ['update', 'error', 'update'],
  );
});

test('T8 T24 no identity in time: ready() says what the API said last, and nothing is left open', async (context) => {
  const { api, source, clock } = await setUp(context, { initialTimeoutMs: 10_000 });
  const paused = clock.waitedFor(1250);
  (await api.nextCall()).end(status.PERMISSION_DENIED, 'no identity issued');
  await paused;
  clock.advance(1250);
  const open = await api.nextCall();
  clock.advance(10_000);
  await assert.rejects(source.ready(), (error) => {
    assert.ok(error instanceof SpiffeTlsError && error.cause instanceof SpiffeTlsError);
    assert.equal(error.code, 'SOURCE_TIMEOUT');
    assert.match(error.message, /PERMISSION_DENIED: no identity issued/);
    assert.equal(error.cause.code, 'WORKLOAD_API');
    return true;
  });
  await open.cancelled;
  assert.equal(api.openStreams(), 0);
  assert.deepEqual(clock.pending(), []);
  assert.equal(
    codeOf(() => source.current()),
    'SOURCE_TIMEOUT',
  );
});

test('T8 an aborted signal closes the source, before the first identity and after it', async (context) => {
  const early = new AbortController();
  const waiting = await setUp(context, { signal: early.signal });
  early.abort();
  await assert.rejects(waiting.source.ready(), { code: 'SOURCE_CLOSED' });
  const late = new AbortController();
  const ready = await setUpReady(context, { signal: late.signal });
  late.abort();
  await ready.call.cancelled;
  assert.equal(
    codeOf(() => ready.source.current()),
    'SOURCE_CLOSED',
  );
  assert.deepEqual([...waiting.clock.pending(), ...ready.clock.pending()], []);
  const before = await setUp(context, { signal: AbortSignal.abort() });
  await assert.rejects(before.source.ready(), { code: 'SOURCE_CLOSED' });
});

test('close is idempotent, ends stream and timers, and silences subscribers', async (context) => {
  const { call, source, clock, events } = await setUpReady(context);
  const count = events.length;
  source.close();
  source.close();
  await source[Symbol.asyncDispose]();
  await call.cancelled;
  assert.equal(
    codeOf(() => source.current()),
    'SOURCE_CLOSED',
  );
  assert.equal(source.health().status, 'closed');
  assert.deepEqual(clock.pending(), []);
  assert.equal(events.length, count);
});

test('closing while a withdrawal is pending leaves no timer', async (context) => {
  const { call, source, clock } = await setUpReady(context);
  const denied = nextEvent(source, 'error');
  call.end(status.PERMISSION_DENIED);
  await denied;
  source.close();
  assert.deepEqual(clock.pending(), []);
});

test('health tells what a readiness page needs', async (context) => {
  const { api, source, clock, call } = await setUpReady(context);
  const { leaf } = source.current().svid;
  assert.deepEqual(source.health(), {
    status: 'ready',
    usable: true,
    connected: true,
    spiffeId: 'spiffe://example.org/web',
    serialNumber: leaf.serialNumber,
    notAfterMs: leaf.notAfterMs,
    updatedMs: clock.now(),
    counts: { accepted: 1, discarded: 0, failures: 0 },
  });
  const told = nextEvent(source, 'error');
  call.end(status.UNAVAILABLE, 'stopping');
  await told;
  const { connected, usable, nextAttemptMs, lastError, counts } = source.health();
  assert.deepEqual(
    { connected, usable, nextAttemptMs, counts },
    {
      connected: false,
      usable: true,
      nextAttemptMs: clock.now() + 250,
      counts: { accepted: 1, discarded: 0, failures: 1 },
    },
  );
  assert.match(lastError?.message ?? '', /UNAVAILABLE: stopping/);
  assert.equal(api.openStreams(), 0);
  clock.advance(leaf.notAfterMs - clock.now() + 1);
  assert.deepEqual(
    { status: source.health().status, usable: source.health().usable },
    { status: 'ready', usable: false },
  );
});

test('a summary of each event goes to diagnostics_channel, without keys', async (context) => {
  const records: unknown[] = [];
  const listener = (record: unknown) => void records.push(record);
  subscribe(SOURCE_CHANNEL, listener);
  context.after(() => unsubscribe(SOURCE_CHANNEL, listener));
  const { call, source } = await setUpReady(context);
  const told = nextEvent(source, 'error');
  call.end(status.UNAVAILABLE, 'stopping');
  await told;
  const { leaf } = source.current().svid;
  assert.deepEqual(records, [
    {
      type: 'update',
      spiffeId: 'spiffe://example.org/web',
      serialNumber: leaf.serialNumber,
      notBeforeMs: leaf.notBeforeMs,
      notAfterMs: leaf.notAfterMs,
      trustDomains: ['example.org'],
      changed: { svid: true, bundles: true },
    },
    {
      type: 'error',
      error: { code: 'WORKLOAD_API', message: 'workload api: FetchX509SVID ended with "UNAVAILABLE: stopping"' },
    },
  ]);
});
