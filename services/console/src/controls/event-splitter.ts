/** Splits a stream of server-sent events into whole events: what is cut off in the middle is never passed on. */
import { StringDecoder } from 'node:string_decoder';

/** Far more than one order. */
const MAX_EVENT_CHARS = 64 * 1024;

/**
 * Makes the function that takes chunks as they come and gives the events that became whole, each with its empty line.
 * It throws when one grows beyond 65 536 characters.
 */
export function createEventSplitter(): (chunk: Buffer) => string[] {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  return (chunk) => {
    const parts = (rest + decoder.write(chunk)).split('\n\n');
    rest = parts.pop() ?? '';
    if (rest.length > MAX_EVENT_CHARS) throw new Error(`an event has more than ${MAX_EVENT_CHARS} characters`);
    return parts.map((part) => `${part}\n\n`);
  };
}

/** The ID that an event sets; `undefined` without one. */
export function idOf(event: string): string | undefined {
  return /^id: ?(.*)$/m.exec(event)?.[1];
}
