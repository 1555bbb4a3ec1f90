/**
 * The load generator: a closed loop of a fixed number of callers, for a fixed time. Every operation must succeed: an error
 * ends the run, because a refused request is quick and would look like speed.
 */
import type { Operation } from './caller.ts';
import { percentile } from './statistics.ts';

/** What a load came to, as the client saw it. */
export interface LoadFigures {
  readonly operations: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** User and system time of the client's process. */
  readonly clientCpuSeconds: number;
}

export async function runLoad(operation: Operation, concurrency: number, durationMs: number): Promise<LoadFigures> {
  const latencies: number[] = [];
  const cpuBefore = cpuSeconds();
  const startedMs = performance.now();
  const endMs = startedMs + durationMs;
  const caller = async (): Promise<void> => {
    for (let beganMs = performance.now(); beganMs < endMs; beganMs = performance.now()) {
      await operation();
      latencies.push(performance.now() - beganMs);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, caller));
  const seconds = (performance.now() - startedMs) / 1_000;
  // Before the percentiles, which sort and would be counted.
  const clientCpuSeconds = cpuSeconds() - cpuBefore;
  return {
    operations: latencies.length,
    perSecond: latencies.length / seconds,
    p50Ms: percentile(latencies, 0.5),
    p99Ms: percentile(latencies, 0.99),
    clientCpuSeconds,
  };
}

/** CPU time that this process has used so far, all its threads together. */
export function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000_000;
}
