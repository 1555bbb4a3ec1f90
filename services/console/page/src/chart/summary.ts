/** Samples summed up, for the sentence that says what the chart draws. */
import type { Sample } from '../../../src/wire/model.ts';

export interface Summary {
  readonly allowed: number;
  readonly refused: number;
  readonly rotations: number;
  /** The worst second's; absent when nobody called. */
  readonly p50Ms: number | undefined;
  readonly p95Ms: number | undefined;
}

export function sumUp(samples: readonly Sample[]): Summary {
  return {
    allowed: sum(samples, ({ allowed }) => allowed),
    refused: sum(samples, ({ refused }) => refused),
    rotations: sum(samples, ({ rotations }) => rotations),
    p50Ms: worst(samples, ({ p50Ms }) => p50Ms),
    p95Ms: worst(samples, ({ p95Ms }) => p95Ms),
  };
}

function sum(samples: readonly Sample[], of: (sample: Sample) => number): number {
  return samples.reduce((total, sample) => total + of(sample), 0);
}

function worst(samples: readonly Sample[], of: (sample: Sample) => number | undefined): number | undefined {
  return samples.reduce<number | undefined>((most, sample) => {
    const value = of(sample);
    return value === undefined || (most !== undefined && most >= value) ? most : value;
  }, undefined);
}
