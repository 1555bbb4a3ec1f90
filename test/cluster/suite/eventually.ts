/** Waiting for what the cluster does in its own time: looks again until it is so, and says at the deadline what it saw. */
import { setTimeout as pause } from 'node:timers/promises';

const LOOK_EVERY_MS = 250;

/**
 * Resolves with the first look that does not throw. An assertion in `look` is how to say what is waited for: the last one
 * that failed is what this rejects with.
 */
export async function eventually<T>(timeoutMs: number, look: () => T | Promise<T>): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    try {
      return await look();
    } catch (error) {
      if (Date.now() >= deadline) throw new Error(`still so after ${timeoutMs / 1_000} s`, { cause: error });
    }
    await pause(LOOK_EVERY_MS);
  }
}
