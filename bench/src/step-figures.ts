/** How long a single step takes, from many timings of it. */
import { percentile } from './statistics.ts';

export interface StepFigures {
  readonly name: string;
  readonly samples: number;
  readonly p50Us: number;
  readonly p99Us: number;
}

/** The first tenth, in the order taken, warmed up and is not counted. */
export function summarizeStep(name: string, timesUs: readonly number[]): StepFigures {
  const counted = timesUs.slice(Math.floor(timesUs.length / 10));
  return { name, samples: counted.length, p50Us: percentile(counted, 0.5), p99Us: percentile(counted, 0.99) };
}
