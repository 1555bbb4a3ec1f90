/**
 * The judge of growth, which has to be able to say yes.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judge } from './growth.ts';

const bound = { name: 'sockets', unit: '', tolerance: () => 2 };
const ramp = (from: number, step: number) => Array.from({ length: 30 }, (_, index) => from + index * step);

for (const [name, samples, grew] of [
  ['a steady figure', ramp(10, 0), false],
  ['one that fills up in the first third', [...ramp(0, 1).slice(0, 10), ...ramp(10, 0).slice(0, 20)], false],
  ['one that swings', ramp(0, 0).map((_, index) => 10 + (index % 3)), false],
  ['one more every fourth sample', ramp(10, 0.25), true],
  ['a step in the last third', [...ramp(10, 0).slice(0, 20), ...ramp(13, 0).slice(0, 10)], true],
] as const) {
  test(`${name} ${grew ? 'grows' : 'does not grow'}`, () => assert.equal(judge(bound, samples).grew, grew));
}

test('too few samples judge nothing', () => assert.throws(() => judge(bound, [1, 2, 3]), /six samples/));
