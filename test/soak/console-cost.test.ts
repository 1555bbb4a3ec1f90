/**
 * What the console costs the services: orders a second with it, with it killed while the services go on sending to its closed
 * port, and of services that send no telemetry at all. In rounds that alternate, because a machine's speed changes by the
 * minute; figures of the same round are compared.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { System } from '@countersign/local-stack';
import { startTestSystem } from '../integration/test-system.ts';
import { measureOrders, middle, spreadOf, type Throughput } from './throughput.ts';

const ROUNDS = Number(process.env['COUNTERSIGN_CONSOLE_ROUNDS'] ?? '7');
const ROUND_MS = 5_000;
const WARM_UP_MS = 3_000;

type Way = 'with the console' | 'console killed' | 'no telemetry';
const TITLES = { perSecond: 'orders a second', cpuMs: 'CPU ms of the services an order' } as const;
const WAYS: readonly Way[] = ['with the console', 'console killed', 'no telemetry'];

test('services serve as many orders with the console killed as with it', async (t) => {
  await using watched = await startTestSystem({ console: true });
  await using silent = await startTestSystem();
  const rounds = new Map<Way, Throughput[]>(WAYS.map((way) => [way, []]));
  for (const system of [watched, silent]) await measureOrders(system.customerUrl, [], WARM_UP_MS);
  for (let round = 0; round < ROUNDS; round += 1) {
    // Another one first each time: who comes first finds the machine in another state.
    for (let step = 0; step < WAYS.length; step += 1) {
      const way = WAYS[(round + step) % WAYS.length] ?? 'no telemetry';
      const system = await prepare(way, { watched, silent });
      rounds.get(way)?.push(await measureOrders(system.customerUrl, servicesOf(system), ROUND_MS));
    }
  }
  for (const figure of ['perSecond', 'cpuMs'] as const) {
    const of = (way: Way) => (rounds.get(way) ?? []).map((round) => round[figure]);
    const spread = Math.max(...WAYS.map((way) => spreadOf(of(way))));
    for (const way of WAYS)
      t.diagnostic(
        `${TITLES[figure]}, ${way}: ${of(way)
          .map((value) => value.toFixed(1))
          .join(' ')}`,
      );
    for (const [a, b] of [
      ['console killed', 'with the console'],
      ['console killed', 'no telemetry'],
      ['with the console', 'no telemetry'],
    ] as const)
      t.diagnostic(`${TITLES[figure]}, ${a} / ${b}: ${describe(ratios(of(a), of(b)))}`);
    t.diagnostic(`${TITLES[figure]}: equal rounds differ by ${(spread * 100).toFixed(0)} %`);
    const ratio = middle(ratios(of('console killed'), of('with the console')));
    const worse = figure === 'perSecond' ? 1 - ratio : ratio - 1;
    assert.ok(worse <= spread, `${TITLES[figure]}: with the console killed ${ratio.toFixed(2)}, beyond the spread`);
  }
});

function ratios(figures: readonly number[], baseline: readonly number[]): number[] {
  return figures.map((figure, round) => figure / (baseline[round] ?? Number.NaN));
}

function describe(values: readonly number[]): string {
  return `${middle(values).toFixed(2)} (${Math.min(...values).toFixed(2)}-${Math.max(...values).toFixed(2)})`;
}

function servicesOf(system: System): number[] {
  return (['customer', 'backend', 'db-client'] as const).map((part) => {
    const pid = system.pidOf(part);
    assert.ok(pid !== undefined, `${part} runs`);
    return pid;
  });
}

/** Brings the system into the state that is to be measured. */
async function prepare(way: Way, { watched, silent }: { watched: System; silent: System }): Promise<System> {
  if (way === 'no telemetry') return silent;
  if (way === 'console killed') await watched.kill('console');
  else if (watched.pidOf('console') === undefined) await watched.restart('console');
  return watched;
}
