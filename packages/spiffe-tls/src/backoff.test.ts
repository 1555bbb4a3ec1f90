import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createExponentialBackoff, type RetryReason } from './backoff.ts';

function waits(reason: RetryReason, count: number, random: () => number): number[] {
  const backoff = createExponentialBackoff({ random });
  return Array.from({ length: count }, () => backoff.next(reason));
}

test('waits double from 250 ms to 15 s and stay there', () => {
  assert.deepEqual(
    waits('unavailable', 9, () => 1),
    [250, 500, 1000, 2000, 4000, 8000, 15_000, 15_000, 15_000],
  );
});

test('T10 jitter is full, at the cap too', () => {
  assert.deepEqual(
    waits('unavailable', 8, () => 0),
    [0, 0, 0, 0, 0, 0, 0, 0],
  );
  assert.equal(waits('unavailable', 8, () => 0.5).at(-1), 7500);
});

test('T10 after PermissionDenied no wait is under 1 s or over 5 s', () => {
  assert.deepEqual(
    waits('denied', 6, () => 0),
    [1000, 1000, 1000, 1000, 1000, 1000],
  );
  assert.deepEqual(
    waits('denied', 6, () => 1),
    [1250, 1500, 2000, 3000, 5000, 5000],
  );
});

test('reset begins anew', () => {
  const backoff = createExponentialBackoff({ random: () => 1 });
  backoff.next('unavailable');
  backoff.next('unavailable');
  backoff.reset();
  assert.equal(backoff.next('unavailable'), 250);
});

test('ten thousand failures still give a finite wait', () => {
  const all = waits('unavailable', 10_000, () => 1);
  assert.equal(all.at(-1), 15_000);
});

for (const value of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
  test(`refuses ${value} as a wait`, () => {
    assert.throws(() => createExponentialBackoff({ maxMs: value }), TypeError);
  });
}
