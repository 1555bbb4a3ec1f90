/** How many orders a second a system serves when a fixed number of clients never rest. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';

const CLIENTS = 8;

/** What a round of measuring found. */
export interface Throughput {
  readonly perSecond: number;
  /** Processor time of the given processes, in milliseconds an order: it hardly depends on what else the machine does. */
  readonly cpuMs: number;
}

/**
 * Places orders, half by HTTP, half by gRPC, each down to PostgreSQL. One that fails fails the measurement.
 * @param pids processes whose time counts
 */
export async function measureOrders(customerUrl: string, pids: readonly number[], forMs: number): Promise<Throughput> {
  const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS });
  const startedAt = performance.now();
  const cpuBefore = cpuMsOf(pids);
  let placed = 0;
  const client = async (via: 'http' | 'grpc') => {
    while (performance.now() - startedAt < forMs) {
      assert.equal(await placeOrder(agent, customerUrl, via), 201);
      placed += 1;
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, (_, index) => client(index % 2 === 0 ? 'http' : 'grpc')));
  agent.destroy();
  return {
    perSecond: placed / ((performance.now() - startedAt) / 1_000),
    cpuMs: (cpuMsOf(pids) - cpuBefore) / placed,
  };
}

/** Linux counts in hundredths of a second, user and kernel apart: proc_pid_stat(5), fields 14 and 15. */
function cpuMsOf(pids: readonly number[]): number {
  const times = pids.map((pid) => {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return Number(fields[11]) + Number(fields[12]);
  });
  return times.reduce((sum, time) => sum + time, 0) * 10;
}

function placeOrder(agent: Agent, customerUrl: string, via: 'http' | 'grpc'): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json' };
    const order = request(`${customerUrl}/api/orders`, { method: 'POST', agent, headers }, (answer) => {
      answer.resume().once('end', () => resolve(answer.statusCode));
    });
    order.once('error', reject);
    order.end(JSON.stringify({ item: 'tea', quantity: 1, customer: 'Ada', via }));
  });
}

/** The middle value of an odd number of them; of an even number the upper of the two. */
export function middle(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** By how much, as a part of the middle, the values of equal rounds differ. */
export function spreadOf(values: readonly number[]): number {
  return (Math.max(...values) - Math.min(...values)) / middle(values);
}
