import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReplayStore } from './replay-store.ts';

const T = 1_800_000_000_000;

test('remembers until the end, and no longer', () => {
  const store = new ReplayStore(10);
  assert.equal(store.add('a', T + 35_000, T), 'new');
  assert.equal(store.add('a', T + 35_000, T + 34_999), 'seen');
  assert.equal(store.size, 1);
  store.add('b', T + 80_000, T + 60_000);
  assert.equal(store.size, 1);
});

test('refuses when full, forgets nothing for it, and has room again when time passes', () => {
  const store = new ReplayStore(2);
  store.add('a', T + 35_000, T);
  store.add('b', T + 35_000, T);
  assert.equal(store.add('c', T + 35_000, T), 'full');
  assert.equal(store.add('a', T + 35_000, T), 'seen');
  assert.equal(store.add('c', T + 75_000, T + 40_000), 'new');
});

test('a clock that is set back lets nothing through twice', () => {
  const store = new ReplayStore(10);
  store.add('a', T + 35_000, T);
  store.add('b', T + 100_000, T + 60_000);
  assert.equal(store.add('a', T + 35_000, T), 'over');
});

test('a clock that was far ahead for a moment refuses only what may be known', () => {
  const store = new ReplayStore(2);
  store.add('a', T + 35_000, T);
  store.add('b', T + 3_635_000, T + 3_600_000);
  assert.equal(store.add('c', T + 36_000, T + 1_000), 'new');
});

test('goes on forgetting after the clock was set back', () => {
  const store = new ReplayStore(3);
  store.add('a', T + 3_635_000, T + 3_600_000);
  store.add('b', T + 35_000, T);
  store.add('c', T + 100_000, T + 60_000);
  assert.equal(store.size, 2);
});
