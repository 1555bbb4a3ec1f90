import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { eventOf, inputOf } from '../../test/decision-fixture.ts';
import { DELAY_MS, FIRST_RETRY_MS, NONE, record, setUp } from '../../test/endpoint-sink-fixture.ts';
import type { Answer } from '../../test/log-receiver.ts';
import { createEndpointSink, type EndpointSinkOptions } from './endpoint-sink.ts';

test('events go together, compressed and in order, as an OPA-compatible endpoint expects them', async (t) => {
  const { receiver, clock, sink, deliveries } = await setUp(t, { partition: 'eu-1' });
  const ids = record(sink, 25);
  assert.equal(sink.stats().buffered, 25);
  assert.equal(receiver.uploads.length, 0, 'nothing is sent before its time');
  clock.advance(DELAY_MS);
  await receiver.arrived(1);
  await sink.close();
  const [upload] = receiver.uploads;
  assert.equal(receiver.uploads.length, 1);
  assert.equal(upload?.path, '/logs/eu-1');
  assert.equal(upload?.headers['content-type'], 'application/json');
  assert.equal(upload?.headers['content-encoding'], 'gzip');
  assert.equal(upload?.headers['content-length'], String(upload?.bytes.length));
  assert.deepEqual(upload?.ids, ids);
  assert.deepEqual(JSON.parse(upload?.json ?? '')[3], JSON.parse(JSON.stringify(eventOf('d3'))));
  assert.deepEqual(deliveries, [{ sink: 'endpoint', outcome: 'sent', count: 25 }]);
  assert.deepEqual(sink.stats(), { buffered: 0, bufferedBytes: 0, sent: 25, retries: 0, dropped: NONE });
});

test('the wait is drawn between the two delays, and one wait serves all events of its time', async (t) => {
  const { clock, sink } = await setUp(t, { minDelayMs: 1000, maxDelayMs: 3000 });
  record(sink, 3);
  assert.deepEqual(clock.pending(), [2000]);
});

test('no upload is larger than the limit, and nothing is lost or reordered by splitting', async (t) => {
  const uploadSizeLimitBytes = 1024;
  const { receiver, clock, sink } = await setUp(t, { uploadSizeLimitBytes });
  const ids: string[] = [];
  for (let index = 0; index < 300; index += 1) {
    // Text that hardly compresses, of very different lengths.
    const id = `${index}-${Array.from({ length: index % 20 }, () => crypto.randomUUID()).join('')}`;
    ids.push(id);
    sink.record(eventOf(id));
  }
  clock.advance(DELAY_MS);
  await sink.close();
  assert.deepEqual(receiver.taken(), ids);
  assert.ok(receiver.uploads.length > 50, `${receiver.uploads.length} uploads`);
  for (const { bytes } of receiver.uploads) assert.ok(bytes.length <= uploadSizeLimitBytes, `${bytes.length} bytes`);
  assert.equal(sink.stats().sent, 300);
});

test('events that compress well share an upload beyond the limit of their JSON', async (t) => {
  const { receiver, clock, sink } = await setUp(t, { uploadSizeLimitBytes: 4096 });
  record(sink, 400);
  clock.advance(DELAY_MS);
  await sink.close();
  const most = Math.max(...receiver.uploads.map(({ json }) => json.length));
  assert.ok(most > 3 * 4096, `at most ${most} bytes of JSON in one`);
});

test('an event that fits in no upload is dropped alone', async (t) => {
  const { receiver, clock, sink } = await setUp(t, { uploadSizeLimitBytes: 1024 });
  record(sink, 2);
  sink.record(eventOf(Array.from({ length: 200 }, () => crypto.randomUUID()).join('')));
  record(sink, 2, 2);
  clock.advance(DELAY_MS);
  await sink.close();
  assert.deepEqual(receiver.taken(), ['d0', 'd1', 'd2', 'd3']);
  assert.deepEqual(sink.stats().dropped, { ...NONE, 'too-large': 1 });
});

for (const status of [500, 503, 429, 408]) {
  test(`after ${status} the same events are sent again, then those that came meanwhile`, async (t) => {
    const { receiver, clock, sink, states } = await setUp(t, { answers: [status, status] });
    const first = record(sink, 3);
    clock.advance(DELAY_MS);
    await clock.waitedFor(FIRST_RETRY_MS);
    const later = record(sink, 2, 3);
    assert.equal(sink.stats().buffered, 5);
    clock.advance(FIRST_RETRY_MS);
    await clock.waitedFor(2 * FIRST_RETRY_MS);
    clock.advance(2 * FIRST_RETRY_MS);
    await receiver.arrived(3);
    await sink.close();
    assert.deepEqual(receiver.uploads[0]?.ids, first);
    assert.deepEqual(receiver.taken(), [...first, ...later]);
    assert.deepEqual(sink.stats(), { buffered: 0, bufferedBytes: 0, sent: 5, retries: 2, dropped: NONE });
    assert.deepEqual(states, [{ state: 'failing', why: `the receiver answered ${status}` }, { state: 'delivering' }]);
  });
}

test('waits between attempts grow to the longest delay and no further', async (t) => {
  const { clock, sink } = await setUp(t, { answers: Array.from({ length: 8 }, () => 503), maxDelayMs: DELAY_MS });
  record(sink, 1);
  clock.advance(DELAY_MS);
  for (const waited of [75, 150, 300, 600, 750, 750]) {
    await clock.waitedFor(waited);
    clock.advance(waited);
  }
  await clock.waitedFor(750);
  assert.equal(sink.stats().retries, 7);
});

for (const status of [400, 401, 403, 404, 301]) {
  test(`an upload refused with ${status} is dropped and counted, and the next goes on`, async (t) => {
    const { receiver, clock, sink, deliveries, states } = await setUp(t, { answers: [status] });
    record(sink, 4);
    clock.advance(DELAY_MS);
    await receiver.arrived(1);
    record(sink, 2, 4);
    await sink.close();
    assert.deepEqual(receiver.taken(), ['d4', 'd5']);
    assert.deepEqual(sink.stats().dropped, { ...NONE, refused: 4 });
    assert.deepEqual(deliveries[0], { sink: 'endpoint', outcome: 'dropped', reason: 'refused', count: 4 });
    assert.deepEqual(states, [{ state: 'refusing', why: `the receiver answered ${status}` }]);
  });
}

test('a full buffer drops the oldest and counts them', async (t) => {
  const { receiver, clock, sink } = await setUp(t, { answers: [503], bufferSizeLimitEvents: 10 });
  record(sink, 2);
  clock.advance(DELAY_MS);
  await clock.waitedFor(FIRST_RETRY_MS);
  record(sink, 13, 2);
  assert.deepEqual(sink.stats().dropped, { ...NONE, 'buffer-full': 5 });
  assert.equal(sink.stats().buffered, 10);
  clock.advance(FIRST_RETRY_MS);
  await sink.close();
  assert.deepEqual(
    receiver.taken(),
    Array.from({ length: 10 }, (_, index) => `d${index + 5}`),
  );
});

test('the bound in bytes drops too, and an event larger than it is not taken', async (t) => {
  const { clock, sink } = await setUp(t, { answers: [503], bufferSizeLimitBytes: 4096 });
  record(sink, 1);
  clock.advance(DELAY_MS);
  await clock.waitedFor(FIRST_RETRY_MS);
  record(sink, 50, 1);
  const { buffered, bufferedBytes, dropped } = sink.stats();
  assert.ok(bufferedBytes <= 4096 && bufferedBytes > 2048, `${bufferedBytes}`);
  assert.equal(buffered + dropped['buffer-full'], 51);
  sink.record(eventOf('x'.repeat(5000)));
  assert.deepEqual(sink.stats().dropped, { ...dropped, 'too-large': 1 });
  assert.equal(sink.stats().buffered, buffered, 'nothing gave way to it');
});

test('a buffer that is half full is sent before its time', async (t) => {
  const { receiver, clock, sink } = await setUp(t, { bufferSizeLimitEvents: 10 });
  record(sink, 5);
  assert.deepEqual(clock.pending(), [DELAY_MS]);
  record(sink, 1, 5);
  assert.deepEqual(clock.pending(), [0]);
  clock.advance(0);
  await receiver.arrived(1);
  assert.equal(receiver.uploads[0]?.ids.length, 6);
});

test('a receiver that never answers does not slow recording, and loses nothing until the buffer is full', async (t) => {
  const { receiver, clock, sink } = await setUp(t, {
    answers: [() => {}],
    bufferSizeLimitEvents: 5000,
    timeoutMs: 60_000,
  });
  record(sink, 10);
  clock.advance(DELAY_MS);
  await receiver.arrived(1);
  const started = process.hrtime.bigint();
  record(sink, 6000, 10);
  const eachUs = Number(process.hrtime.bigint() - started) / 1000 / 6000;
  assert.ok(eachUs < 1000, `recording took ${eachUs} microseconds`);
  assert.deepEqual(sink.stats().dropped, { ...NONE, 'buffer-full': 1010 }, 'those on their way do not give way');
  assert.equal(sink.stats().buffered, 5000);
});

test('an answer that is too late is another attempt', async (t) => {
  const { receiver, clock, sink, states } = await setUp(t, { answers: [() => {}], timeoutMs: 1000 });
  const ids = record(sink, 2);
  clock.advance(DELAY_MS);
  await clock.waitedFor(FIRST_RETRY_MS);
  assert.equal(states[0]?.state, 'failing');
  clock.advance(FIRST_RETRY_MS);
  await receiver.arrived(2);
  await sink.close();
  assert.deepEqual(
    receiver.uploads.map(({ ids: sent }) => sent),
    [ids, ids],
    'at least once: the receiver sees an ID twice',
  );
});

test('nobody listening is an attempt that is made again', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  await new Promise((resolve) => server.close(resolve));
  const { clock, sink } = await setUp(t, { url: new URL(`http://127.0.0.1:${address.port}`) });
  record(sink, 1);
  clock.advance(DELAY_MS);
  await clock.waitedFor(FIRST_RETRY_MS);
  assert.deepEqual(sink.stats(), { ...sink.stats(), buffered: 1, retries: 1, dropped: NONE });
});

test('closing delivers what waits, at once', async (t) => {
  const { receiver, sink } = await setUp(t);
  const ids = record(sink, 7);
  await sink.close();
  assert.deepEqual(receiver.taken(), ids);
});

test('closing during a failure tries again within its bound', async (t) => {
  const { receiver, clock, sink } = await setUp(t, { answers: [503], drainMs: 2000 });
  const ids = record(sink, 3);
  const closed = sink.close();
  await clock.waitedFor(FIRST_RETRY_MS);
  clock.advance(FIRST_RETRY_MS);
  await closed;
  assert.deepEqual(receiver.taken(), ids);
});

for (const [what, answer] of [
  ['fails', 503],
  ['never answers', () => {}],
] satisfies ReadonlyArray<readonly [string, Answer]>) {
  test(`closing gives up at its bound when the receiver ${what}, and counts what is lost`, async (t) => {
    const answers = Array.from({ length: 20 }, () => answer);
    const { receiver, clock, sink } = await setUp(t, { answers, drainMs: 300, timeoutMs: 60_000 });
    record(sink, 3);
    const closed = sink.close();
    await receiver.arrived(1);
    clock.advance(10_000);
    await closed;
    assert.deepEqual(sink.stats(), { ...sink.stats(), buffered: 0, bufferedBytes: 0, sent: 0 });
    assert.deepEqual(sink.stats().dropped, { ...NONE, closed: 3 });
    sink.record(eventOf('late'));
    assert.deepEqual(sink.stats().dropped, { ...NONE, closed: 4 });
    assert.deepEqual(clock.pending(), [], 'no timer is left');
  });
}

test('closing twice is closing once, and an empty sink closes at once', async (t) => {
  const { receiver, clock, sink } = await setUp(t);
  assert.equal(sink.close(), sink.close());
  await sink.close();
  assert.equal(receiver.uploads.length, 0);
  assert.deepEqual(clock.pending(), []);
});

test('callbacks that throw change nothing', async (t) => {
  const { receiver, sink } = await setUp(t, {
    answers: [400],
    onDelivery: () => {
      throw new Error('metrics');
    },
    onState: () => {
      throw new Error('log');
    },
  });
  record(sink, 1);
  await sink.close();
  assert.equal(receiver.uploads.length, 1);
  assert.equal(sink.stats().dropped.refused, 1);
});

test('what is sent is what was recorded, whatever becomes of the objects after that', async (t) => {
  const { receiver, sink } = await setUp(t);
  const input = inputOf();
  const attributes: Record<string, unknown> = { customer: 'before' };
  sink.record(eventOf('d', { ...input, resource: { kind: 'order', id: '1', attributes } }));
  attributes['customer'] = 'after';
  await sink.close();
  assert.match(receiver.uploads[0]?.json ?? '', /"customer":"before"/);
});

for (const [what, options] of [
  ['https without an agent', { url: new URL('https://127.0.0.1:1') }],
  ['http to another host', { url: new URL('http://decisions.example:80') }],
  ['http to a name', { url: new URL('http://localhost:80') }],
  ['http to another address', { url: new URL('http://192.0.2.1:80') }],
  ['another protocol', { url: new URL('ftp://127.0.0.1') }],
  ['a password', { url: new URL('http://a:b@127.0.0.1') }],
  ['a query', { url: new URL('http://127.0.0.1/?a=b') }],
  ['a fragment', { url: new URL('http://127.0.0.1/#a') }],
  ['a partition with a slash', { partition: 'a/b' }],
  ['a partition that climbs', { partition: '..' }],
  ['an empty partition', { partition: '' }],
  ['an upload limit of 1023', { uploadSizeLimitBytes: 1023 }],
  ['an upload limit that is no number', { uploadSizeLimitBytes: Number.NaN }],
  ['no buffer', { bufferSizeLimitEvents: 0 }],
  ['a buffer without end', { bufferSizeLimitBytes: Number.POSITIVE_INFINITY }],
  ['delays in the wrong order', { minDelayMs: 10, maxDelayMs: 9 }],
  ['a negative drain', { drainMs: -1 }],
] satisfies ReadonlyArray<readonly [string, Partial<EndpointSinkOptions>]>) {
  test(`refused at the start: ${what}`, () => {
    assert.throws(() => createEndpointSink({ url: new URL('http://127.0.0.1:1'), ...options }), TypeError);
  });
}
