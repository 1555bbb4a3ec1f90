import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { LoadState, NewOrder } from '../wire/actions.ts';
import { createLoad, LOAD_MS } from './load.ts';

/** A clock that goes as far as it is told, calling back on the way. */
function manualClock() {
  let now = 0;
  let waiting: { at: number; then: () => void } | undefined;
  return {
    now: () => now,
    after(ms: number, then: () => void) {
      const own = { at: now + ms, then };
      waiting = own;
      return () => {
        if (waiting === own) waiting = undefined;
      };
    },
    /** Callbacks that are due, each at its time. */
    advance(ms: number) {
      const until = now + ms;
      while (waiting !== undefined && waiting.at <= until) {
        const { at, then } = waiting;
        waiting = undefined;
        now = Math.max(now, at);
        then();
      }
      now = until;
    },
    /** As when the machine slept: time is over, and nothing was called. */
    sleep(ms: number) {
      now += ms;
    },
    idle: () => waiting === undefined,
  };
}

function rig(place: (order: NewOrder) => Promise<string | undefined>, maxConcurrent?: number) {
  const clock = manualClock();
  const states: LoadState[] = [];
  const orders: NewOrder[] = [];
  const load = createLoad({
    clock,
    onState: (state) => void states.push(state),
    place: (order) => {
      orders.push(order);
      return place(order);
    },
    ...(maxConcurrent === undefined ? {} : { maxConcurrent }),
  });
  return { clock, states, orders, load };
}

const served = async () => undefined;
/** Until what was resolved has been heard of. */
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('steady load', () => {
  it('keeps its rate, half by HTTP, half by gRPC', async () => {
    const { clock, orders, load } = rig(served);
    load.set({ perSecond: 10 });
    for (let second = 0; second < 10; second += 1) {
      clock.advance(1_000);
      await settled();
    }
    assert.ok(Math.abs(orders.length - 100) <= 1, String(orders.length));
    const byHttp = orders.filter(({ via }) => via === 'http').length;
    assert.ok(Math.abs(byHttp - orders.length / 2) <= 1, String(byHttp));
    load.stop();
  });

  it('ends by itself', async () => {
    const { clock, load, states } = rig(served);
    load.set({ perSecond: 0.1 });
    assert.equal(load.state().endsAt, LOAD_MS);
    clock.advance(LOAD_MS + 1_000);
    await settled();
    assert.equal(load.state().perSecond, 0);
    assert.equal(load.state().endsAt, undefined);
    assert.equal(states.at(-1)?.perSecond, 0);
    assert.ok(clock.idle());
  });

  it('skips what it can not keep up with, and queues nothing', async () => {
    const hanging: Array<(failure: string | undefined) => void> = [];
    const { clock, orders, load } = rig(() => new Promise((resolve) => void hanging.push(resolve)), 4);
    load.set({ perSecond: 50 });
    clock.advance(10_000);
    assert.equal(orders.length, 4);
    for (const answer of hanging) answer(undefined);
    await settled();
    clock.advance(20);
    assert.ok(orders.length <= 6, `${orders.length} orders: the skipped ones came after all`);
    load.stop();
  });

  it('makes up for no pause of the machine', async () => {
    const { clock, orders, load } = rig(served, 1_000);
    load.set({ perSecond: 5 });
    const before = orders.length;
    clock.sleep(3 * 60_000);
    clock.advance(20);
    await settled();
    assert.ok(orders.length - before <= 6, `${orders.length - before} orders at once`);
    load.stop();
  });

  it('counts failures and says the last', async () => {
    const { clock, load } = rig(async ({ via }) => (via === 'grpc' ? 'HTTP 503 UNAVAILABLE' : undefined));
    load.set({ perSecond: 10 });
    clock.advance(1_000);
    await settled();
    const { sent, failed, lastFailure } = load.state();
    assert.ok(sent >= 10 && Math.abs(failed - sent / 2) <= 1, `${failed} of ${sent}`);
    assert.equal(lastFailure, 'HTTP 503 UNAVAILABLE');
    load.stop();
  });

  it('counts anew when it starts from 0, and goes on counting when its rate changes', async () => {
    const { clock, load } = rig(served);
    load.set({ perSecond: 10 });
    clock.advance(1_000);
    await settled();
    const { sent } = load.state();
    load.set({ perSecond: 20 });
    assert.ok(load.state().sent >= sent);
    load.set({ perSecond: 0 });
    assert.ok(clock.idle(), 'it rests');
    assert.ok(load.state().sent >= sent, 'what was sent stays to be read');
    load.set({ perSecond: 1 });
    assert.equal(load.state().sent, 1);
    load.stop();
  });
});
