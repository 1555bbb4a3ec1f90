import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BEGINNING, back, goTo, onward, readProgress, STEPS, withDone, writeProgress } from './progress.ts';

test('onward goes through every step and stays at the last', () => {
  let progress = BEGINNING;
  const seen: string[] = [progress.at];
  for (let index = 0; index < STEPS.length; index += 1) {
    progress = onward(progress);
    seen.push(progress.at);
  }
  assert.deepEqual(seen, [...STEPS, STEPS.at(-1)]);
});

test('back stays at the first', () => {
  assert.equal(back(onward(BEGINNING)).at, BEGINNING.at);
  assert.deepEqual(back(BEGINNING), BEGINNING);
});

test('done steps are in their order, each once, and stay when the reader moves', () => {
  const progress = withDone(withDone(withDone(BEGINNING, 'rogue'), 'order'), 'rogue');
  assert.deepEqual(progress.done, ['order', 'rogue']);
  assert.equal(progress.at, 'look');
  assert.deepEqual(goTo(progress, 'next').done, ['order', 'rogue']);
});

test('a reload goes on where the reader was', () => {
  const progress = onward(withDone(onward(BEGINNING), 'order'));
  assert.deepEqual(readProgress(writeProgress(progress)), progress);
});

for (const [name, stored] of [
  ['nothing', null],
  ['no JSON', '{'],
  ['another shape', '[]'],
  ['null', 'null'],
  ['an unknown step', '{"at":"fly","done":[]}'],
  ['no list', '{"at":"look","done":{}}'],
] as const) {
  test(`from ${name} it begins at the beginning`, () => assert.deepEqual(readProgress(stored), BEGINNING));
}

test('steps that are no more are forgotten', () => {
  assert.deepEqual(readProgress('{"at":"order","done":["look","fly",7]}'), { at: 'order', done: ['look'] });
});
