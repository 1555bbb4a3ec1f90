/** A sink for a log endpoint, with a receiver, a clock that stands still, and everything that the sink tells. */
import type { TestContext } from 'node:test';
import { createManualClock } from '@countersign/testkit';
import type { DecisionSink, Delivery } from '../src/decision-log/decision-sink.ts';
import { createEndpointSink, type EndpointSinkOptions } from '../src/decision-log/endpoint-sink.ts';
import type { EndpointState } from '../src/decision-log/uploader.ts';
import { eventOf } from './decision-fixture.ts';
import { type Answer, startLogReceiver } from './log-receiver.ts';

export const NONE = { 'buffer-full': 0, 'too-large': 0, refused: 0, closed: 0, failed: 0 };
export const DELAY_MS = 1000;
/** With `random` 0.5: 100 ms, of which half and a quarter. */
export const FIRST_RETRY_MS = 75;

/** A receiver, a sink with a clock that stands still, and what the sink tells. */
export async function setUp(
  t: TestContext,
  { answers = [], ...options }: { answers?: readonly Answer[] } & Partial<EndpointSinkOptions> = {},
) {
  const receiver = await startLogReceiver(t, answers);
  const clock = createManualClock(0);
  const deliveries: Delivery[] = [];
  const states: EndpointState[] = [];
  const sink = createEndpointSink({
    url: receiver.url,
    clock,
    random: () => 0.5,
    minDelayMs: DELAY_MS,
    maxDelayMs: DELAY_MS,
    onDelivery: (delivery) => deliveries.push(delivery),
    onState: (state) => states.push(state),
    ...options,
  });
  t.after(() => {
    // A test that failed half way has a drain that waits for the clock.
    const closed = sink.close();
    clock.advance(60_000);
    return closed;
  });
  return { receiver, clock, sink, deliveries, states };
}

/** Records events, and gives their IDs. */
export function record(sink: DecisionSink, count: number, from = 0): string[] {
  const ids = Array.from({ length: count }, (_, index) => `d${from + index}`);
  for (const id of ids) sink.record(eventOf(id));
  return ids;
}
