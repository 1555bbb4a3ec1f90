import { deepEqual, equal, throws } from 'node:assert/strict';
import { describe, it, mock } from 'node:test';
import { type EventsSource, followEvents } from './events.ts';

class FakeSource extends EventTarget implements EventsSource {
  readyState = 1;
  closed = false;
  close(): void {
    this.closed = true;
  }
  send(type: string, data: unknown): void {
    this.dispatchEvent(new MessageEvent(type, { data: JSON.stringify(data) }));
  }
  fail(readyState: number): void {
    this.readyState = readyState;
    this.dispatchEvent(new Event('error'));
  }
}

function follow() {
  const sources: FakeSource[] = [];
  const seen: string[] = [];
  const stop = followEvents({
    open: () => {
      const source = new FakeSource();
      sources.push(source);
      return source;
    },
    onSnapshot: ({ revision }) => seen.push(`snapshot ${revision}`),
    onPatch: ({ revision }) => seen.push(`patch ${revision}`),
    onError: () => {
      seen.push('error');
      return 500;
    },
  });
  const newest = (): FakeSource => {
    const source = sources.at(-1);
    if (!source) throw new Error('nothing was opened');
    return source;
  };
  return { sources, seen, stop, newest };
}

describe('following the events', () => {
  it('passes snapshots and patches on in order', () => {
    const { seen, newest } = follow();
    newest().send('snapshot', { revision: 1 });
    newest().send('patch', { revision: 2 });
    deepEqual(seen, ['snapshot 1', 'patch 2']);
  });

  it('leaves it to the browser to resume a connection that broke off', (context) => {
    context.mock.timers.enable({ apis: ['setTimeout'] });
    const { sources, seen, newest } = follow();
    newest().fail(0);
    context.mock.timers.tick(10_000);
    deepEqual(seen, ['error']);
    equal(sources.length, 1);
  });

  it('opens a new one, after the wait, when the browser has given up', (context) => {
    context.mock.timers.enable({ apis: ['setTimeout'] });
    const { sources, newest } = follow();
    newest().fail(2);
    context.mock.timers.tick(499);
    equal(sources.length, 1);
    context.mock.timers.tick(1);
    equal(sources.length, 2);
  });

  it('opens none once it was stopped', (context) => {
    context.mock.timers.enable({ apis: ['setTimeout'] });
    const { sources, stop, newest } = follow();
    newest().fail(2);
    stop();
    context.mock.timers.tick(10_000);
    equal(sources.length, 1);
    equal(newest().closed, true);
  });

  it('takes no event without data for one', () => {
    const source = new FakeSource();
    const listeners = new Map<string, (event: Event) => void>();
    mock.method(source, 'addEventListener', (type: string, listener: (event: Event) => void) =>
      listeners.set(type, listener),
    );
    followEvents({ open: () => source, onSnapshot: () => {}, onPatch: () => {}, onError: () => 0 });
    throws(() => listeners.get('patch')?.(new Event('patch')), /events: an event without data/);
  });
});
