/**
 * Every SVID is replaced every second, and the CA every minute, for as long as `npm run test:soak` says, under load on the
 * whole system (orders by HTTPS and by gRPC down to PostgreSQL, a stream of orders) and on every adapter in this process.
 * No call may fail, and nothing may grow: subscriptions, timers, sockets, memory. T30, T27, T29 for longer than a test has.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PartName, System } from '@countersign/local-stack';
import { startTestSystem } from '../integration/test-system.ts';
import { loadAdapters } from './adapters.ts';
import { type Growth, judge } from './growth.ts';
import { placeOrders, watchOrders } from './orders.ts';
import { boundOf, type Sample, seriesOf, takeSample } from './samples.ts';
import { repeatFor, type SteadyCalls } from './steady.ts';

const seconds = Number(process.env['COUNTERSIGN_SOAK_SECONDS'] ?? '600');
const PARTS: readonly PartName[] = ['customer', 'backend', 'db-client', 'trust-domain'];
const ROTATE_EVERY_MS = 1_000;
const CA_EVERY_ROTATIONS = 60;
const SAMPLE_EVERY_ROTATIONS = 4;
/** With more, V8 collects so late that a leak and idleness look alike. A service that keeps what it should not dies of it. */
const SMALL_HEAP = '--max-old-space-size=96';

test(`SVIDs rotate every second for ${seconds} s under load: no call fails, nothing grows`, async (t) => {
  const warnings: string[] = [];
  const onWarning = (warning: Error) => warnings.push(`${warning.name}: ${warning.message}`);
  process.on('warning', onWarning);
  t.after(() => process.off('warning', onWarning));
  await using system = await startTestSystem({
    svidTtlMs: 20_000,
    programEnv: Object.fromEntries(PARTS.map((part) => [part, { NODE_OPTIONS: SMALL_HEAP }])),
  });
  const orders = await watchOrders(system.customerUrl);
  const adapters = await loadAdapters({ ...system, socketAs: async (workload) => system.socketOf(workload) });
  const loops = [...adapters.loops, placeOrders(system.customerUrl, 'http'), placeOrders(system.customerUrl, 'grpc')];
  const samples: Sample[] = [];
  let rotations = 0;
  try {
    await repeatFor(seconds * 1_000, ROTATE_EVERY_MS, async () => {
      await (rotations % CA_EVERY_ROTATIONS === CA_EVERY_ROTATIONS - 1
        ? system.trustDomain.rotateCa({ settleMs: 500, dropAfterMs: 10_000 })
        : system.trustDomain.rotate());
      rotations += 1;
      if (rotations % SAMPLE_EVERY_ROTATIONS === 0)
        samples.push(await takeSample(adapters.subscriptions(), processesOf(system)));
    });
  } finally {
    await Promise.all(loops.map((loop) => loop.stop()));
    orders.stop();
    await adapters.stop();
  }
  const growths = [...seriesOf(samples)].map(([name, series]) => judge(boundOf(name), series));
  report(rotations, loops, orders.seen(), growths);
  assert.deepEqual(
    loops.flatMap(({ failures }) => failures),
    [],
    'no call may fail',
  );
  // A stream is one call for as long as no rotation ends it.
  for (const { name, succeeded } of loops) assert.ok(succeeded > seconds / 10, `${name}: only ${succeeded} calls`);
  assert.ok(rotations > seconds / 2, `only ${rotations} rotations`);
  assert.ok(orders.seen() > seconds, `the stream brought only ${orders.seen()} orders`);
  assert.deepEqual(
    growths.filter(({ grew }) => grew),
    [],
    'nothing may grow',
  );
  assert.deepEqual(warnings, []);
});

function processesOf(system: System): Map<string, number> {
  return new Map(
    PARTS.map((part) => {
      const pid = system.pidOf(part);
      assert.ok(pid, `${part} runs`);
      return [part, pid];
    }),
  );
}

function report(rotations: number, loops: readonly SteadyCalls[], streamed: number, growths: readonly Growth[]): void {
  console.log(`${rotations} rotations; ${streamed} orders came by the stream`);
  console.table(loops.map(({ name, succeeded, failures }) => ({ name, succeeded, failed: failures.length })));
  const rounded = (value: number) => Math.round(value * 10) / 10;
  console.table(
    growths.map(({ name, unit, before, after, allowed, grew }) => ({
      name,
      unit,
      before: rounded(before),
      after: rounded(after),
      allowed: rounded(allowed),
      grew,
    })),
  );
}
