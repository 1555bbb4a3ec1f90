/**
 * Every push of SPIRE at a TTL of 10 s, the shortest that its agent's sync of 5 s allows, under load: orders by HTTPS and
 * gRPC down to PostgreSQL, a stream of orders, and every adapter in this process (T30 on SPIRE). No call may fail, and each
 * SVID that the agent sent must have been taken. COUNTERSIGN_SPIRE_SOAK_SECONDS says how long, 120 by default.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTestSystemAnywhere } from '../integration/test-system.ts';
import { loadAdapters } from '../soak/adapters.ts';
import { placeOrders, watchOrders } from '../soak/orders.ts';
import { lasting } from '../soak/steady.ts';
import { createPushCounter, type Pushes } from './push-count.ts';

const seconds = Number(process.env['COUNTERSIGN_SPIRE_SOAK_SECONDS'] ?? '120');
const TTL_SECONDS = 10;

test(`T30 every push during ${seconds} s at a TTL of ${TTL_SECONDS} s: no call fails`, async () => {
  const counter = createPushCounter();
  await using system = await startTestSystemAnywhere({
    svidTtlMs: TTL_SECONDS * 1_000,
    env: { ...process.env, LOG_LEVEL: 'debug' },
    onRecord: counter.onRecord,
  });
  const orders = await watchOrders(system.customerUrl);
  const adapters = await loadAdapters(system);
  const loops = [...adapters.loops, placeOrders(system.customerUrl, 'http'), placeOrders(system.customerUrl, 'grpc')];
  let pushes: readonly Pushes[] = [];
  counter.count(system.pidOf);
  try {
    await lasting(seconds * 1_000);
  } finally {
    pushes = counter.count(system.pidOf);
    await Promise.all(loops.map((loop) => loop.stop()));
    orders.stop();
    await adapters.stop();
  }
  console.table(pushes);
  console.table(loops.map(({ name, succeeded, failures }) => ({ name, succeeded, failed: failures.length })));
  assert.deepEqual(
    loops.flatMap(({ failures }) => failures),
    [],
    'no call may fail',
  );
  const expected = seconds / TTL_SECONDS;
  // A stream lasts from one rotation to the next; the others are calls.
  for (const { name, succeeded } of loops)
    assert.ok(succeeded >= (name === 'grpc stream' ? expected : seconds), `${name}: only ${succeeded}`);
  assert.ok(orders.seen() > seconds, `the stream brought only ${orders.seen()} orders`);
  for (const { program, sent, taken } of pushes) {
    assert.ok(sent >= expected, `${program}: SPIRE sent only ${sent} SVIDs in ${seconds} s`);
    // One may be under way as the count begins, and one as it ends.
    assert.ok(Math.abs(taken - sent) <= 1, `${program} took ${taken} of the ${sent} SVIDs that SPIRE sent`);
  }
});
