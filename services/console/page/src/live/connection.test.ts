import { deepEqual, equal } from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Connection, nextConnection, waitBefore } from './connection.ts';

const cases: readonly {
  readonly name: string;
  readonly from: Connection;
  readonly event: 'event' | 'error';
  readonly to: Connection;
}[] = [
  { name: 'the first event', from: { state: 'connecting', attempt: 1 }, event: 'event', to: { state: 'live' } },
  {
    name: 'no first event',
    from: { state: 'connecting', attempt: 1 },
    event: 'error',
    to: { state: 'connecting', attempt: 2 },
  },
  { name: 'a break', from: { state: 'live' }, event: 'error', to: { state: 'lost', since: 70, attempt: 1 } },
  {
    name: 'a try in vain',
    from: { state: 'lost', since: 5, attempt: 1 },
    event: 'error',
    to: { state: 'lost', since: 5, attempt: 2 },
  },
  { name: 'a return', from: { state: 'lost', since: 5, attempt: 9 }, event: 'event', to: { state: 'live' } },
];

describe('the state of the stream', () => {
  for (const { name, from, event, to } of cases) {
    it(`after ${name}`, () => {
      deepEqual(nextConnection(from, event === 'event' ? { type: 'event' } : { type: 'error', at: 70 }), to);
    });
  }

  it('stays the very same object while events come', () => {
    const live: Connection = { state: 'live' };
    equal(nextConnection(live, { type: 'event' }), live);
  });
});

describe('the wait before a try', () => {
  it('doubles, and ends at eight seconds', () => {
    deepEqual([1, 2, 3, 4, 5, 6, 60].map(waitBefore), [500, 1000, 2000, 4000, 8000, 8000, 8000]);
  });
});
