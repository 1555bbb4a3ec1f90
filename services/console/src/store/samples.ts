/**
 * One sample a second, for the chart: calls that were let in and refusals, of all services together, and how long the edge
 * took. A batch comes some hundred milliseconds late, so a sample may still change after its second.
 */
import type { Sample } from '../wire/model.ts';
import { SAMPLE_SECONDS } from '../wire/stream.ts';
import { defined } from './facts.ts';
import { percentilesOf } from './percentiles.ts';
import type { Revision } from './revision.ts';
import { createTracked, type Tracked } from './tracked.ts';

export interface Samples {
  readonly tracked: Tracked<Sample>;
  addAllowed(atMs: number): void;
  addRefused(atMs: number): void;
  addRotation(atMs: number): void;
  /** A request of the edge's own. */
  addDuration(atMs: number, durationMs: number): void;
  /** Begins the present second, brings percentiles up to date, and forgets what is too old. */
  tick(nowMs: number): void;
}

/** Durations of one second, and for how long they are kept to take late ones in. */
const DURATIONS = 1_000;
const OPEN_SECONDS = 10;

export function createSamples(revision: Revision): Samples {
  const tracked = createTracked<Sample>(revision);
  const durations = new Map<number, { readonly values: number[]; changed: boolean }>();

  function change(atMs: number, add: (sample: Sample) => Partial<Sample>): void {
    const at = startOf(atMs);
    const sample = tracked.get(String(at)) ?? { at, allowed: 0, refused: 0, rotations: 0 };
    tracked.set(String(at), { ...sample, ...add(sample) });
  }

  function refresh(at: number, values: readonly number[]): void {
    change(at, () => defined(percentilesOf(values) ?? {}));
  }

  return {
    tracked,
    addAllowed: (at) => change(at, ({ allowed }) => ({ allowed: allowed + 1 })),
    addRefused: (at) => change(at, ({ refused }) => ({ refused: refused + 1 })),
    addRotation: (at) => change(at, ({ rotations }) => ({ rotations: rotations + 1 })),
    addDuration(atMs, durationMs) {
      const at = startOf(atMs);
      const second = durations.get(at) ?? { values: [], changed: false };
      if (second.values.length < DURATIONS) second.values.push(durationMs);
      second.changed = true;
      durations.set(at, second);
    },
    tick(nowMs) {
      change(nowMs, () => ({}));
      for (const [at, second] of durations) {
        if (second.changed) refresh(at, second.values);
        second.changed = false;
        if (at < nowMs - OPEN_SECONDS * 1_000) durations.delete(at);
      }
      const oldest = startOf(nowMs) - SAMPLE_SECONDS * 1_000;
      for (const { at } of tracked.values()) if (at <= oldest) tracked.delete(String(at));
    },
  };
}

function startOf(atMs: number): number {
  return Math.floor(atMs / 1_000) * 1_000;
}
