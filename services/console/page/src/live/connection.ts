/** The state of the stream of events, as data and one function from each to the next. */

export type Connection =
  /** Nothing has come yet. */
  | { readonly state: 'connecting'; readonly attempt: number }
  /** Events come. */
  | { readonly state: 'live' }
  /** They came and do no more: what is shown is from `since`, a time of the browser's clock. */
  | { readonly state: 'lost'; readonly since: number; readonly attempt: number };

export type ConnectionEvent =
  | { readonly type: 'event' }
  /** The browser, or this page after it, tries again. */
  | { readonly type: 'error'; readonly at: number };

export function nextConnection(now: Connection, event: ConnectionEvent): Connection {
  if (event.type === 'event') return now.state === 'live' ? now : { state: 'live' };
  if (now.state === 'live') return { state: 'lost', since: event.at, attempt: 1 };
  return { ...now, attempt: now.attempt + 1 };
}

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 8000;

/** How long to wait before a try; doubled each time. */
export function waitBefore(attempt: number): number {
  return Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.max(0, attempt - 1));
}
