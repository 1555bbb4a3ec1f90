/**
 * Events that wait for an upload, as JSON text, oldest first, within two bounds. When one more does not fit, the oldest
 * give way, as in OPA; those that are on their way at that moment are held, because their answer is still to come.
 */

/** An event as it will be sent. */
export interface BufferedEvent {
  readonly json: string;
  readonly bytes: number;
}

/** How much may wait. */
export interface BufferLimits {
  readonly events: number;
  readonly bytes: number;
}

/** See {@link createEventBuffer}. */
export interface EventBuffer {
  readonly size: number;
  readonly bytes: number;
  /** Adds an event. Returns how many older ones gave way, or `too-large` when it would not fit even alone. */
  push(json: string): number | 'too-large';
  /** The oldest events whose JSON has at most `maxBytes` together, one at least; they are held until {@link release}. */
  hold(maxBytes: number): readonly BufferedEvent[];
  /** Ends the hold. @param taken how many of those held, oldest first, are done with and leave the buffer */
  release(taken: number): void;
  /** Empties it. Returns how many there were. */
  clear(): number;
}

/** Makes an empty buffer. */
export function createEventBuffer(limits: BufferLimits): EventBuffer {
  // Held events stand at the front; `waiting` begins behind them.
  let held: readonly BufferedEvent[] = [];
  const waiting = createQueue();
  let bytes = 0;

  const size = () => held.length + waiting.length;
  const isFull = (more: number) => size() + 1 > limits.events || bytes + more > limits.bytes;
  const heldBytes = () => sum(held);

  return {
    get size() {
      return size();
    },
    get bytes() {
      return bytes;
    },
    push(json) {
      const event = { json, bytes: Buffer.byteLength(json) };
      if (event.bytes > limits.bytes - heldBytes() || held.length >= limits.events) return 'too-large';
      let gaveWay = 0;
      while (isFull(event.bytes)) {
        const oldest = waiting.shift();
        if (oldest === undefined) break;
        bytes -= oldest.bytes;
        gaveWay += 1;
      }
      waiting.push(event);
      bytes += event.bytes;
      return gaveWay;
    },
    hold(maxBytes) {
      const taken: BufferedEvent[] = [];
      let takenBytes = 0;
      for (let next = waiting.peek(); next !== undefined; next = waiting.peek()) {
        if (taken.length > 0 && takenBytes + next.bytes > maxBytes) break;
        takenBytes += next.bytes;
        taken.push(next);
        waiting.shift();
      }
      held = taken;
      return taken;
    },
    release(taken) {
      bytes -= sum(held.slice(0, taken));
      waiting.putBack(held.slice(taken));
      held = [];
    },
    clear() {
      const count = size();
      held = [];
      waiting.clear();
      bytes = 0;
      return count;
    },
  };
}

function sum(events: readonly BufferedEvent[]): number {
  return events.reduce((total, event) => total + event.bytes, 0);
}

/** First in, first out, without moving the rest at each step. */
function createQueue() {
  let items: BufferedEvent[] = [];
  let head = 0;
  return {
    get length() {
      return items.length - head;
    },
    push: (event: BufferedEvent) => void items.push(event),
    peek: () => items[head],
    shift(): BufferedEvent | undefined {
      const first = items[head];
      if (first === undefined) return undefined;
      head += 1;
      if (head > COMPACT_AT && head * 2 > items.length) {
        items = items.slice(head);
        head = 0;
      }
      return first;
    },
    putBack(events: readonly BufferedEvent[]) {
      items = [...events, ...items.slice(head)];
      head = 0;
    },
    clear() {
      items = [];
      head = 0;
    },
  };
}

/** Taken entries are let go in lots of this size. */
const COMPACT_AT = 64;
