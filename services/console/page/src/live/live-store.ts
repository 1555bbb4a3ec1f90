/** What the page knows of the system, kept up to date by the stream of events, for every view to select from. */
import { create } from 'zustand';
import { type Connection, nextConnection, waitBefore } from './connection.ts';
import { followEvents } from './events.ts';
import { fromSnapshot, type Known, nothingKnown, withPatch } from './merge.ts';

export interface Live extends Known {
  readonly connection: Connection;
  /** The console's clock less the browser's. */
  readonly clockAheadMs: number;
}

/** `useLive((live) => live.edges.get(key))`: renders when what the selector returns is another one. */
export const useLive = create<Live>(() => ({
  ...nothingKnown,
  connection: { state: 'connecting', attempt: 1 },
  clockAheadMs: 0,
}));

/** Begins to listen. @returns ends it */
export function startLive(open = () => new EventSource('/api/events')): () => void {
  return followEvents({
    open,
    onSnapshot: (snapshot) => take(fromSnapshot(snapshot), snapshot.now),
    onPatch: (patch) => take(withPatch(useLive.getState(), patch), patch.now),
    onError: () => {
      const connection = nextConnection(useLive.getState().connection, { type: 'error', at: Date.now() });
      useLive.setState({ connection });
      return connection.state === 'live' ? 0 : waitBefore(connection.attempt);
    },
  });
}

function take(known: Known, now: number): void {
  const { connection, clockAheadMs } = useLive.getState();
  useLive.setState({
    ...known,
    connection: nextConnection(connection, { type: 'event' }),
    clockAheadMs: steady(clockAheadMs, now - Date.now()),
  });
}

/** A difference within this is the network's; a countdown shall not jump because of it. */
const TOLERATED_MS = 500;

function steady(before: number, now: number): number {
  return Math.abs(now - before) > TOLERATED_MS ? now : before;
}
