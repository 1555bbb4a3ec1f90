import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bundleOf, createCa, createWorkload, ManualClock } from '../test/adapter-fixture.ts';
import { dangerouslyAuthorizeAnyPeer } from './authorizers.ts';
import { checkRetireWindow, planRetirement, scheduleRetirements } from './retirement.ts';
import { resolveOptions } from './spiffe-tls-options.ts';

test('a retirement begins in the first half of the window and ends in the last quarter', () => {
  const facts = { notAfterMs: 100_000, nowMs: 0, window: 0.1 };
  assert.deepEqual(planRetirement({ ...facts, random: () => 0 }), { startMs: 0, endMs: 7_500 });
  const late = planRetirement({ ...facts, random: () => 0.999_999 });
  assert.ok(late.startMs < 5_000 && late.startMs > 4_999, `${late.startMs}`);
  assert.ok(late.endMs < 10_000 && late.endMs > 9_999, `${late.endMs}`);
});

test('a retirement that is in a hurry begins soon, and leaves work that is under way its time', () => {
  const facts = { notAfterMs: 1_000_000, nowMs: 0, window: 0.1, startWithinMs: 5_000 };
  assert.deepEqual(planRetirement({ ...facts, random: () => 0.5 }), { startMs: 2_500, endMs: 87_500 });
  assert.equal(
    planRetirement({ ...facts, notAfterMs: 1_000, random: () => 0.5 }).startMs,
    25,
    'a short life is sooner still',
  );
});

test('an SVID that has expired is retired at once', () => {
  const plan = planRetirement({ notAfterMs: 5, nowMs: 10, window: 1, random: () => 0.5 });
  assert.deepEqual(plan, { startMs: 0, endMs: 0 });
});

test('a window outside 0 to 1 is refused', () => {
  for (const window of [-0.1, 1.1, Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.throws(() => checkRetireWindow(window), TypeError, `${window}`);
  }
  assert.deepEqual([checkRetireWindow(), checkRetireWindow(0), checkRetireWindow(1)], [0.1, 0, 1]);
});

test('T11 only a new own SVID retires, two rotations in one window retire once, and stopping leaves no timer', async () => {
  const ca = await createCa();
  const next = await createCa();
  const client = await createWorkload(ca, 'client');
  const clock = new ManualClock();
  const authorize = dangerouslyAuthorizeAnyPeer();
  const options = resolveOptions({ source: client.source, authorize, clock, random: () => 0.5 });
  let retired = 0;
  const onRetire = () => {
    retired += 1;
  };
  const stop = scheduleRetirements({ options, window: 0.1, onRetire });
  client.trust(ca.bundle());
  client.trust(next.bundle());
  assert.equal(clock.pending, 0, 'a bundle alone');
  await client.rotate();
  await client.rotate();
  clock.advance(6 * 60_000);
  assert.equal(retired, 1);
  await client.rotate();
  assert.equal(clock.pending, 1);
  stop();
  assert.equal(clock.pending, 0);
  await client.rotate();
  assert.equal(clock.pending, 0, 'no longer follows the source');
});

/** What a client that follows its source retires, and when, in milliseconds from the start. */
async function followRetirements() {
  const [ca, next] = [await createCa(), await createCa()];
  const client = await createWorkload(ca, 'client', { bundles: [ca.bundle()] });
  const clock = new ManualClock();
  const startMs = clock.now();
  const options = resolveOptions({
    source: client.source,
    authorize: dangerouslyAuthorizeAnyPeer(),
    clock,
    random: () => 0.5,
  });
  const retiredMs: number[] = [];
  scheduleRetirements({ options, window: 0.1, onRetire: () => void retiredMs.push(clock.now() - startMs) });
  const both = () => client.trust(bundleOf(ca, next));
  return { next, client, clock, retiredMs, both };
}

test('T11 an SVID of another authority leaves old connections seconds, because that one goes next', async () => {
  const { next, client, clock, retiredMs, both } = await followRetirements();
  both();
  await client.rotate({ ca: next });
  clock.advance(2_499);
  assert.deepEqual(retiredMs, []);
  clock.advance(1);
  assert.deepEqual(retiredMs, [2_500]);
});

test('T11 another authority brings a retirement forward that would have been later', async () => {
  const { next, client, clock, retiredMs, both } = await followRetirements();
  both();
  await client.rotate();
  await client.rotate({ ca: next });
  clock.advance(10 * 60_000);
  assert.deepEqual(retiredMs, [2_500]);
});

test('T11 connections whose SVID no bundle verifies any more are given up at once', async () => {
  const { next, client, clock, retiredMs, both } = await followRetirements();
  both();
  await client.rotate({ ca: next });
  client.trust(next.bundle());
  clock.advance(0);
  assert.deepEqual(retiredMs, [0]);
});
