import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createEventSplitter, idOf } from './event-splitter.ts';

it('events come out whole, wherever the bytes were cut', () => {
  const text = 'retry: 1000\n\nid: 1\nevent: order\ndata: {"customer":"Zoë"}\n\n: alive\n\nid: 2\ndata: cut o';
  const bytes = Buffer.from(text);
  for (let size = 1; size < bytes.length; size += 1) {
    const split = createEventSplitter();
    const events: string[] = [];
    for (let at = 0; at < bytes.length; at += size) events.push(...split(bytes.subarray(at, at + size)));
    assert.equal(events.join(''), text.slice(0, text.indexOf('id: 2')), `in pieces of ${size}`);
    assert.equal(events.length, 3);
  }
});

it('an event without end is refused', () => {
  const split = createEventSplitter();
  assert.throws(() => {
    for (let i = 0; i < 100; i += 1) split(Buffer.from('x'.repeat(1_000)));
  }, /more than 65536/);
});

it('its ID is the field, not what looks like one in the data', () => {
  assert.equal(idOf('id: 7\nevent: order\ndata: {}\n\n'), '7');
  assert.equal(idOf('id:8\ndata: {}\n\n'), '8');
  assert.equal(idOf('data: id: 9\n\n'), undefined);
  assert.equal(idOf(': id: 9\n\n'), undefined);
});
