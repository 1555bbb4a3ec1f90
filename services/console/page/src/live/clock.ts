/** The one clock of the page: it ticks each second, by the console's time, for however many countdowns there are. */
import { useSyncExternalStore } from 'react';
import { useLive } from './live-store.ts';

const TICK_MS = 1000;
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;
let now = Date.now();

/** Milliseconds since 1970 by the console's clock, renewed each second. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, () => now);
}

/** The console's time at this moment. */
function consoleNow(): number {
  return Date.now() + useLive.getState().clockAheadMs;
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  if (timer === undefined) {
    now = consoleNow();
    timer = setInterval(tick, TICK_MS);
  }
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

function tick(): void {
  if (document.hidden) return;
  now = consoleNow();
  for (const listener of listeners) listener();
}
