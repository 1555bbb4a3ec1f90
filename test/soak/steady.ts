/**
 * Calls one after the other until stopped, with a pause between them that bounds the rate. Counts what succeeded and keeps
 * what failed.
 */
import { setTimeout as pause } from 'node:timers/promises';

/** A loop of calls. */
export interface SteadyCalls {
  readonly name: string;
  readonly succeeded: number;
  readonly failures: readonly string[];
  /** Resolves when the call under way has ended. */
  stop(): Promise<void>;
}

/** Starts the loop. `call` gets a signal that is aborted by `stop`: a call that waits for its end ends then. */
export function startSteadyCalls(
  name: string,
  pauseMs: number,
  call: (stopping: AbortSignal) => Promise<void>,
): SteadyCalls {
  const stopping = new AbortController();
  const counted = { succeeded: 0, failures: [] as string[] };
  const run = async () => {
    while (!stopping.signal.aborted) {
      try {
        await call(stopping.signal);
        counted.succeeded += 1;
      } catch (error) {
        counted.failures.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
      }
      await pause(pauseMs);
    }
  };
  const running = run();
  return {
    name,
    get succeeded() {
      return counted.succeeded;
    },
    failures: counted.failures,
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

/** Does something once in each interval, later where it takes longer itself, until the time is over. */
export async function repeatFor(durationMs: number, intervalMs: number, step: () => Promise<void>): Promise<void> {
  const endsAt = performance.now() + durationMs;
  while (performance.now() < endsAt) {
    const next = pause(intervalMs);
    await step();
    await next;
  }
}

/** Lets the load run for so long. */
export async function lasting(durationMs: number): Promise<void> {
  await pause(durationMs);
}
