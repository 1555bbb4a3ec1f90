import assert from 'node:assert/strict';
import { beforeEach, mock, test } from 'node:test';
import { followOrders, type OrderSource } from './order-stream.ts';

/** A stream that the test feeds. */
class FedSource implements OrderSource {
  readonly path: string;
  readyState = 0;
  readonly #listeners = new Map<string, (event: MessageEvent<unknown>) => void>();

  constructor(path: string) {
    this.path = path;
  }

  addEventListener(type: string, listener: (event: MessageEvent<unknown>) => void): void {
    this.#listeners.set(type, listener);
  }

  close(): void {
    this.readyState = 2;
  }

  say(type: string, data = '', lastEventId = ''): void {
    this.#listeners.get(type)?.(new MessageEvent(type, { data, lastEventId }));
  }
}

const order = (id: string) =>
  JSON.stringify({ id, item: 'tea', quantity: 1, customer: 'Ada', status: 'placed', created_at: 'x', created_by: 'y' });

function setUp(cursor = '') {
  const sources: FedSource[] = [];
  const came: (readonly [ids: readonly string[], cursor: string])[] = [];
  const states: string[] = [];
  const end = followOrders(
    cursor,
    {
      onOrders: (orders, last) => came.push([orders.map(({ id }) => id), last]),
      onState: (state) => states.push(state),
    },
    (path) => {
      const source = new FedSource(path);
      sources.push(source);
      return source;
    },
  );
  const newest = () => {
    const source = sources.at(-1);
    assert.ok(source);
    return source;
  };
  return { sources, came, states, end, newest };
}

beforeEach(() => {
  mock.timers.reset();
  mock.timers.enable({ apis: ['setTimeout'] });
});

test('orders that come together are handed over together, with the last cursor', () => {
  const { came, newest, end } = setUp();
  newest().say('order', order('a'), '1');
  newest().say('order', order('b'), '2');
  assert.deepEqual(came, []);
  mock.timers.tick(250);
  newest().say('order', order('c'), '3');
  mock.timers.tick(250);
  assert.deepEqual(came, [
    [['a', 'b'], '2'],
    [['c'], '3'],
  ]);
  end();
});

test('it goes on from the cursor that it is given, and from the last one after the browser gave up', () => {
  const { sources, newest, states, end } = setUp('7');
  assert.equal(newest().path, '/api/orders/stream?cursor=7');
  newest().say('open');
  newest().say('order', order('a'), '8');
  newest().readyState = 2;
  newest().say('error');
  assert.equal(sources.length, 1);
  mock.timers.tick(3_000);
  assert.equal(newest().path, '/api/orders/stream?cursor=8');
  assert.deepEqual(states, ['opening', 'open', 'waiting', 'waiting', 'opening']);
  end();
});

test('a connection that broke off is left to the browser', () => {
  const { sources, newest, end } = setUp();
  newest().say('error');
  mock.timers.tick(60_000);
  assert.equal(sources.length, 1);
  end();
});

test('a refusal within the stream closes it, and it is tried again', () => {
  const { sources, newest, end } = setUp();
  const [first] = sources;
  newest().say('problem', '{}');
  assert.equal(first?.readyState, 2);
  mock.timers.tick(3_000);
  assert.equal(sources.length, 2);
  end();
});

test('the end closes the stream, hands over what came, and opens no other', () => {
  const { sources, came, newest, end } = setUp();
  newest().say('order', order('a'), '1');
  newest().readyState = 2;
  newest().say('error');
  end();
  assert.deepEqual(came, [[['a'], '1']]);
  mock.timers.tick(60_000);
  assert.equal(sources.length, 1);
});
