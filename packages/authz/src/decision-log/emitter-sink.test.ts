import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventOf } from '../../test/decision-fixture.ts';
import { createEmitterSink } from './emitter-sink.ts';

test('what the emitter takes is sent, what it does not or after the end is dropped', async () => {
  const answers = [true, false, true];
  const sink = createEmitterSink({ name: 'otlp', emit: () => answers.shift() ?? false });
  for (const id of ['a', 'b', 'c']) sink.record(eventOf(id));
  await sink.close();
  sink.record(eventOf('d'));
  const { sent, dropped } = sink.stats();
  assert.deepEqual([sent, dropped.failed, dropped.closed], [2, 1, 1]);
});
