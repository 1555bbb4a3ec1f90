import assert from 'node:assert/strict';
import { test } from 'node:test';
import { median, pairedRatios, percentile } from './statistics.ts';

test('the median is the middle value by size, not by text or position', () => {
  assert.equal(median([10, 9, 100]), 10);
  assert.equal(median([4, 1, 3, 2]), 2.5);
  assert.equal(median([7]), 7);
});

test('a percentile is a value that was measured, by nearest rank', () => {
  const values = Array.from({ length: 200 }, (_, index) => 200 - index);
  assert.equal(percentile(values, 0.5), 100);
  assert.equal(percentile(values, 0.99), 198);
  assert.equal(percentile(values, 1), 200);
  assert.equal(percentile([5, 1], 0.99), 5);
});

test('ratios pair the figures of a round', () => {
  // The second round ran on a machine half as fast. Both did the same work, so no ratio may show it.
  assert.deepEqual(pairedRatios([1000, 500, 1000], [1000, 500, 1000]), { median: 1, min: 1, max: 1 });
  // The medians are equal here, and the ratios say what happened within the rounds.
  assert.deepEqual(pairedRatios([90, 40, 60], [100, 50, 60]), { median: 0.9, min: 0.8, max: 1 });
});

test('what has no answer is refused', () => {
  assert.throws(() => median([]), TypeError);
  assert.throws(() => percentile([1], 0), TypeError);
  assert.throws(() => percentile([1], 99), /a percentile is above 0 and up to 1, got 99/);
  assert.throws(() => pairedRatios([1], [1, 2]), TypeError);
});
