/** Hands decision events to something that queues and sends by itself, as OpenTelemetry's logs do. */
import type { DecisionEvent } from './decision-event.ts';
import { createDeliveryCounter, type DecisionSink, type Delivery } from './decision-sink.ts';

/** What an emitter is. */
export interface EmitterSinkOptions {
  /** `otlp`. */
  readonly name: string;
  /** Takes an event without waiting. Returns `false` when nobody is there to send it. */
  readonly emit: (event: DecisionEvent) => boolean;
  readonly onDelivery?: (delivery: Delivery) => void;
}

/**
 * Makes the sink. `sent` counts what the emitter took: what becomes of it behind that is in the emitter's own counters.
 * @example createEmitterSink({ name: 'otlp', emit: emitDecisionLog })
 */
export function createEmitterSink({ name, emit, onDelivery }: EmitterSinkOptions): DecisionSink {
  const counter = createDeliveryCounter(name, onDelivery);
  let isClosed = false;
  return {
    name,
    record(event) {
      if (isClosed) counter.dropped('closed', 1);
      else if (emit(event)) counter.sent(1);
      else counter.dropped('failed', 1);
    },
    stats: () => ({ buffered: 0, bufferedBytes: 0, ...counter.stats() }),
    close: async () => {
      isClosed = true;
    },
  };
}
