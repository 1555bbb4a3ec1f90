import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createChangeQueue } from './change-queue.ts';

test('changes are made one at a time, in the order asked', async () => {
  const inTurn = createChangeQueue(2);
  const steps: string[] = [];
  const first = Promise.withResolvers<void>();
  const one = inTurn(async () => {
    steps.push('one begins');
    await first.promise;
    steps.push('one ends');
  });
  const two = inTurn(async () => void steps.push('two'));
  await Promise.resolve();
  first.resolve();
  await Promise.all([one, two]);
  assert.deepEqual(steps, ['one begins', 'one ends', 'two']);
});

test('who would be one too many is refused, and asked again is let in', async () => {
  const inTurn = createChangeQueue(1);
  const end = Promise.withResolvers<string>();
  const underWay = inTurn(() => end.promise);
  const waiting = inTurn(async () => 'second');
  await assert.rejects(
    inTurn(async () => 'third'),
    { name: 'LocalStackError', code: 'CONTROL_BUSY' },
  );
  end.resolve('first');
  assert.deepEqual([await underWay, await waiting, await inTurn(async () => 'third')], ['first', 'second', 'third']);
});

test('a change that fails fails alone', async () => {
  const inTurn = createChangeQueue(1);
  const failing = inTurn(() => Promise.reject(new TypeError('no')));
  const next = inTurn(async () => 'done');
  await assert.rejects(failing, TypeError);
  assert.equal(await next, 'done');
});
