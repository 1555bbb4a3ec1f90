/** What the page knows of the running system. */
export { consoleNow, useNow } from './clock.ts';
export type { Connection } from './connection.ts';
export { type Live, startLive, useLive } from './live-store.ts';
