import { deepEqual } from 'node:assert/strict';
import { it } from 'node:test';
import { sumUp } from './summary.ts';

it('counts are added, latencies are the worst second’s', () => {
  const samples = [
    { at: 0, allowed: 3, refused: 1, p50Ms: 2, p95Ms: 9, rotations: 0 },
    { at: 1000, allowed: 0, refused: 0, rotations: 2 },
    { at: 2000, allowed: 4, refused: 0, p50Ms: 5, p95Ms: 6, rotations: 1 },
  ];
  deepEqual(sumUp(samples), { allowed: 7, refused: 1, rotations: 3, p50Ms: 5, p95Ms: 9 });
});

it('without a call there is no latency', () => {
  deepEqual(sumUp([]), { allowed: 0, refused: 0, rotations: 0, p50Ms: undefined, p95Ms: undefined });
});
