/**
 * Steady orders by both transports, one after the other on each, until stopped. Counts what succeeded and keeps what failed.
 */
import { call } from './json-client.ts';

export interface OrderLoop {
  readonly succeeded: { readonly http: number; readonly grpc: number };
  readonly failures: readonly string[];
  /** Resolves when so many more orders have ended, well or badly. */
  completed(count: number): Promise<void>;
  /** Resolves when the orders under way have ended. */
  stop(): Promise<void>;
}

export function startOrderLoop(customerUrl: string): OrderLoop {
  const succeeded = { http: 0, grpc: 0 };
  const failures: string[] = [];
  const waiting = new Set<() => void>();
  let stopped = false;
  let ended = 0;

  async function placeOne(via: 'http' | 'grpc'): Promise<void> {
    try {
      const answer = await call(`${customerUrl}/api/orders`, {
        body: { item: 'tea', quantity: 1, customer: 'Ada', via },
      });
      if (answer.status === 201) succeeded[via] += 1;
      else failures.push(`${via}: ${answer.status} ${answer.text}`);
    } catch (error) {
      failures.push(`${via}: ${String(error)}`);
    }
    ended += 1;
    for (const look of waiting) look();
  }

  async function run(via: 'http' | 'grpc'): Promise<void> {
    while (!stopped) await placeOne(via);
  }

  const running = Promise.all([run('http'), run('grpc')]);
  return {
    succeeded,
    failures,
    completed: (count) =>
      new Promise((resolve) => {
        const target = ended + count;
        const look = () => {
          if (ended < target) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
      }),
    async stop() {
      stopped = true;
      await running;
    },
  };
}
