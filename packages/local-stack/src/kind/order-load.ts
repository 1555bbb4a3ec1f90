/** Orders at a steady rate for a bounded time, over HTTPS and gRPC in turn, and what came of them. */
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../errors.ts';
import { everyVia, failureKind, tryOrder, type Via } from './orders.ts';

/** How much. */
export interface LoadOptions {
  /** At most {@link limits}`.seconds`. */
  readonly seconds: number;
  /** Orders a second, at most {@link limits}`.rate`. */
  readonly rate: number;
}

/** What came of it. */
export interface LoadResult {
  readonly sent: number;
  readonly created: Readonly<Record<Via, number>>;
  /** Each kind of failure and how often. */
  readonly failures: Readonly<Record<string, number>>;
  /** Milliseconds from request to answer: half of the orders, and 99 of 100, took no longer. */
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** It is a demonstration on a laptop, not a benchmark. */
export const limits = { seconds: 600, rate: 50 } as const;

/** Never more than this many at once: where answers take long, it takes longer. */
const maxPending = 32;

/** Resolves when all answers are there. */
export async function loadOrders(base: string, { seconds, rate }: LoadOptions): Promise<LoadResult> {
  const created: Record<Via, number> = { http: 0, grpc: 0 };
  const failures: Record<string, number> = {};
  const tookMs: number[] = [];
  const pending = new Set<Promise<void>>();
  const wanted = Math.round(seconds * rate);
  let sent = 0;
  while (sent < wanted) {
    if (pending.size < maxPending) {
      const order = placeOne(everyVia[sent % everyVia.length] ?? 'http').finally(() => pending.delete(order));
      pending.add(order);
      sent += 1;
    }
    await delay(1000 / rate);
  }
  await Promise.all(pending);
  const sorted = tookMs.sort((a, b) => a - b);
  return { sent, created, failures, p50Ms: quantile(sorted, 0.5), p99Ms: quantile(sorted, 0.99) };

  async function placeOne(via: Via): Promise<void> {
    const since = performance.now();
    try {
      const answer = await tryOrder(base, via);
      if (answer.status === 201) created[via] += 1;
      else count(`${via}: ${failureKind(answer)}`);
    } catch (error) {
      count(`${via}: ${messageOf(error)}`);
    }
    tookMs.push(performance.now() - since);
  }

  function count(failure: string): void {
    failures[failure] = (failures[failure] ?? 0) + 1;
  }
}

function quantile(sorted: readonly number[], part: number): number {
  return Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0);
}

/** In a few lines. */
export function describeLoad({ sent, created, failures, p50Ms, p99Ms }: LoadResult): string {
  const failed = Object.values(failures).reduce((sum, count) => sum + count, 0);
  const kinds = Object.entries(failures).map(([kind, count]) => `  ${count} x ${kind}`);
  return [
    `${sent} orders sent: ${created.http} created over HTTPS, ${created.grpc} over gRPC, ${failed} failed; p50 ${p50Ms} ms, p99 ${p99Ms} ms`,
    ...kinds,
  ].join('\n');
}
