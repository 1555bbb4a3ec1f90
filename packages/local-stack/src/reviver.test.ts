import assert from 'node:assert/strict';
import { it } from 'node:test';
import { LocalStackError } from './errors.ts';
import type { LogRecord } from './part.ts';
import { createReviver } from './reviver.ts';

const died = new LocalStackError('PART_FAILED', 'console ended on its own (SIGKILL)');

it('starts a lost part again as often as there are waits, then says that it does not', async () => {
  const records: LogRecord[] = [];
  const launched: Array<() => void> = [];
  const launches = [0, 1].map(() => new Promise<void>((resolve) => void launched.push(resolve)));
  const reviver = createReviver({
    name: 'console',
    relaunch: () => launched.shift()?.(),
    onRecord: (record) => void records.push(record),
    waitsMs: [1, 2],
  });
  // The reviver's timers keep no process alive.
  const alive = setInterval(() => {}, 1_000);
  for (const launch of launches) {
    reviver.lost(died);
    await launch;
  }
  reviver.lost(died);
  clearInterval(alive);
  assert.deepEqual(
    records.map(({ level }) => level),
    ['warn', 'warn', 'error'],
  );
  for (const { message } of records)
    assert.match(String(message), /^console ended on its own .SIGKILL.[\s\S]*everything else goes on/);
  assert.match(String(records.at(-1)?.['message']), /not started again/);
});

it('starts nothing once it is stopped', ({ mock }) => {
  mock.timers.enable({ apis: ['setTimeout'] });
  let launches = 0;
  const relaunch = () => {
    launches += 1;
  };
  const reviver = createReviver({ name: 'console', relaunch, onRecord: () => {} });
  reviver.lost(died);
  mock.timers.tick(1_000);
  assert.equal(launches, 1);
  reviver.lost(died);
  reviver.stop();
  mock.timers.tick(60_000);
  assert.equal(launches, 1);
});
