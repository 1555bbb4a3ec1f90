/** What the page knows of the running system. */
export { useNow } from './clock.ts';
export { startLive, useLive } from './live-store.ts';
