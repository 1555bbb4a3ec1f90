/** What a receiver's answer makes of the uploads to come: smaller ones after 413, and silence for as long as it asks. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventOf } from '../../test/decision-fixture.ts';
import { DELAY_MS, FIRST_RETRY_MS, NONE, record, setUp } from '../../test/endpoint-sink-fixture.ts';
import type { Answer } from '../../test/log-receiver.ts';
import { retryAfterMs } from './log-endpoint.ts';

/** Answers 413 to uploads of more than that many events, as a receiver with a limit of its own. */
const takingAtMost =
  (most: number, headers = {}): Answer =>
  (response, { ids }) => {
    response.writeHead(ids.length > most ? 413 : 200, headers).end();
  };

test('an upload that is too large for the receiver is sent in smaller ones, in order, and so are those after it', async (t) => {
  const { receiver, clock, sink, states } = await setUp(t, {
    answers: Array.from({ length: 40 }, () => takingAtMost(4)),
  });
  const ids = record(sink, 20);
  clock.advance(DELAY_MS);
  await receiver.arrived(5);
  const later = record(sink, 8, 20);
  await sink.close();
  const accepted = receiver.uploads.filter(({ ids: sent }) => sent.length <= 4);
  assert.deepEqual(
    accepted.flatMap(({ ids: sent }) => sent),
    [...ids, ...later],
  );
  assert.ok(receiver.uploads.length - accepted.length <= 4, 'the size is learnt once');
  assert.deepEqual(sink.stats(), { buffered: 0, bufferedBytes: 0, sent: 28, retries: 0, dropped: NONE });
  assert.deepEqual(states, []);
});

test('an event that is too large for the receiver even alone is dropped and counted, and the others go on', async (t) => {
  const large = 'x'.repeat(500);
  const refusing: Answer = (response, { ids }) => void response.writeHead(ids.includes(large) ? 413 : 200).end();
  const { receiver, clock, sink, states } = await setUp(t, { answers: Array.from({ length: 40 }, () => refusing) });
  record(sink, 3);
  sink.record(eventOf(large));
  record(sink, 3, 3);
  clock.advance(DELAY_MS);
  await sink.close();
  const accepted = receiver.uploads.filter(({ ids }) => !ids.includes(large)).flatMap(({ ids }) => ids);
  assert.deepEqual(accepted, ['d0', 'd1', 'd2', 'd3', 'd4', 'd5']);
  assert.deepEqual(sink.stats().dropped, { ...NONE, 'too-large': 1 });
  assert.deepEqual(states, [{ state: 'refusing', why: 'the receiver answered 413' }]);
});

for (const status of [429, 503, 413]) {
  test(`after ${status} with Retry-After the receiver is left alone for as long as it asks`, async (t) => {
    const later: Answer = (response) => void response.writeHead(status, { 'retry-after': '7' }).end();
    const { receiver, clock, sink } = await setUp(t, { answers: [later], bufferSizeLimitEvents: 10 });
    const ids = record(sink, 3);
    clock.advance(DELAY_MS);
    await clock.waitedFor(7000 + FIRST_RETRY_MS);
    const more = record(sink, 5, 3);
    assert.deepEqual(clock.pending(), [7000 + FIRST_RETRY_MS], 'a buffer that fills up does not change it');
    clock.advance(7000 + FIRST_RETRY_MS);
    await receiver.arrived(2);
    await sink.close();
    assert.deepEqual(receiver.taken(), [...ids, ...more]);
    assert.deepEqual(sink.stats(), { buffered: 0, bufferedBytes: 0, sent: 8, retries: 1, dropped: NONE });
  });
}

test('closing does not wait for what Retry-After asks', async (t) => {
  const later: Answer = (response) => void response.writeHead(503, { 'retry-after': '60' }).end();
  const { receiver, clock, sink } = await setUp(t, { answers: [later], drainMs: 300 });
  record(sink, 3);
  const closed = sink.close();
  await receiver.arrived(1);
  clock.advance(10_000);
  await closed;
  assert.deepEqual(sink.stats().dropped, { ...NONE, closed: 3 });
});

const NOW = Date.parse('Sun, 06 Nov 1994 08:49:37 GMT');
for (const [value, afterMs] of [
  ['0', 0],
  ['120', 120_000],
  ['Sun, 06 Nov 1994 08:50:07 GMT', 30_000],
  ['Sun, 06 Nov 1994 08:00:00 GMT', 0],
  ['999999999', 600_000],
  ['Sun, 06 Nov 2094 08:49:37 GMT', 600_000],
  ['-1', undefined],
  ['1.5', undefined],
  ['soon', undefined],
  ['1994', 600_000],
  ['Sun, 99 Foo 1994 08:49:37 GMT', undefined],
  ['', undefined],
  [undefined, undefined],
] as const) {
  test(`Retry-After ${JSON.stringify(value)}: ${afterMs}`, () => assert.equal(retryAfterMs(value, NOW), afterMs));
}
