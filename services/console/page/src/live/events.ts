/**
 * The stream of events, kept open: the browser resumes a connection that broke off, with the ID of the last event; one that
 * it has given up (the console answered with an error, or was not there) is opened anew after a while.
 */
import type { Patch, Snapshot } from '../../../src/wire/stream.ts';

/** The part of the browser's `EventSource` that is used. */
export interface EventsSource {
  readonly readyState: number;
  addEventListener(type: string, listener: (event: Event) => void): void;
  close(): void;
}

export interface EventsOptions {
  readonly open: () => EventsSource;
  readonly onSnapshot: (snapshot: Snapshot) => void;
  readonly onPatch: (patch: Patch) => void;
  /** The connection broke, or could not be made. @returns how long to wait if the browser has given up */
  readonly onError: () => number;
}

const CLOSED = 2;

/** @returns ends it */
export function followEvents({ open, onSnapshot, onPatch, onError }: EventsOptions): () => void {
  let source: EventsSource;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const connect = () => {
    source = open();
    source.addEventListener('snapshot', (event) => onSnapshot(dataOf<Snapshot>(event)));
    source.addEventListener('patch', (event) => onPatch(dataOf<Patch>(event)));
    source.addEventListener('error', () => {
      const wait = onError();
      if (source.readyState === CLOSED) timer = setTimeout(connect, wait);
    });
  };
  connect();
  return () => {
    clearTimeout(timer);
    source.close();
  };
}

/** The console and its page are of one version and share these types, so the text is only parsed. */
function dataOf<T>(event: Event): T {
  if (!('data' in event) || typeof event.data !== 'string') throw new TypeError('events: an event without data');
  return JSON.parse(event.data) as T;
}
