/**
 * Steady load: orders at a rate, half by HTTP, half by gRPC, placed through the customer as any client would. What it can't
 * keep up with it leaves out: nothing queues, and a customer that hangs has a bounded number of orders to hang on to.
 */
import type { LoadRequest, LoadState, NewOrder } from '../wire/actions.ts';

/** Time, as the load needs it. */
export interface LoadClock {
  now(): number;
  /** Calls back after some milliseconds, once; returns what takes that back. */
  after(ms: number, then: () => void): () => void;
}

/** What the load works with. */
export interface LoadOptions {
  /** Places an order; gives why it failed, or nothing. It never throws. */
  place(order: NewOrder): Promise<string | undefined>;
  onState(state: LoadState): void;
  readonly clock?: LoadClock;
  /** Orders at once; 64 by default. */
  readonly maxConcurrent?: number;
}

/** Load that can be set, and ends by itself. */
export interface Load {
  set(request: LoadRequest): LoadState;
  state(): LoadState;
  stop(): void;
}

/** Nobody's forgotten slider runs for ever. */
export const LOAD_MS = 15 * 60_000;
/** Long enough to be cheap, short enough for 50 orders a second to look steady. */
const BEAT_MS = 20;
const MAX_CONCURRENT = 64;
const ITEMS = ['tea', 'coffee', 'bread', 'apples', 'honey'];

/** Makes it, at rest. */
export function createLoad({ place, onState, clock = wallClock, maxConcurrent = MAX_CONCURRENT }: LoadOptions): Load {
  let state: LoadState = { perSecond: 0, sent: 0, failed: 0 };
  let cancelBeat = () => {};
  let inFlight = 0;
  /** Orders that are due, as a fraction; what is whole is sent. */
  let due = 0;
  let beatAt = 0;

  const change = (next: LoadState) => {
    state = next;
    onState(state);
  };
  const rest = () => {
    cancelBeat();
    const { endsAt: _, ...others } = state;
    change({ ...others, perSecond: 0 });
  };
  const send = async (index: number) => {
    inFlight += 1;
    change({ ...state, sent: state.sent + 1 });
    const failure = await place(orderOf(index));
    inFlight -= 1;
    if (failure !== undefined) change({ ...state, failed: state.failed + 1, lastFailure: failure });
  };
  const beat = () => {
    const now = clock.now();
    if (state.endsAt !== undefined && now >= state.endsAt) return rest();
    // After a pause of the machine no more than a second's worth.
    due = Math.min(due + ((now - beatAt) / 1_000) * state.perSecond, Math.max(1, state.perSecond));
    beatAt = now;
    for (; due >= 1; due -= 1) if (inFlight < maxConcurrent) void send(state.sent);
    cancelBeat = clock.after(BEAT_MS, beat);
  };
  return {
    state: () => state,
    set({ perSecond }) {
      if (perSecond === 0) {
        if (state.perSecond > 0) rest();
        return state;
      }
      const fresh = state.perSecond === 0;
      cancelBeat();
      beatAt = clock.now();
      due = fresh ? 1 : due;
      const counts = fresh ? { sent: 0, failed: 0 } : state;
      change({ ...counts, perSecond, endsAt: beatAt + LOAD_MS });
      beat();
      return state;
    },
    stop: () => cancelBeat(),
  };
}

function orderOf(index: number): NewOrder {
  const item = ITEMS[Math.floor(index / 2) % ITEMS.length] ?? 'tea';
  return { item, quantity: 1 + (index % 3), customer: 'Steady load', via: index % 2 === 0 ? 'http' : 'grpc' };
}

const wallClock: LoadClock = {
  now: () => Date.now(),
  after(ms, then) {
    const timer = setTimeout(then, ms);
    return () => clearTimeout(timer);
  },
};
