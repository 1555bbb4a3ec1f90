/** Events as `text/event-stream` writes them. JSON has no line breaks of its own, so a document is one line. */
import type { Patch, Snapshot } from '../wire/stream.ts';
import { formatEventId } from './event-id.ts';

export function snapshotFrame(epoch: string, snapshot: Snapshot): string {
  return frame('snapshot', epoch, snapshot);
}

export function patchFrame(epoch: string, patch: Patch): string {
  return frame('patch', epoch, patch);
}

/** Nothing to a reader; it shows both ends that the connection is alive. */
export const KEEP_ALIVE = ': keep-alive\n\n';

/** How long a browser waits before it connects again, in milliseconds. */
export const RETRY = 'retry: 1000\n\n';

function frame(event: string, epoch: string, document: Patch | Snapshot): string {
  return `event: ${event}\nid: ${formatEventId(epoch, document.revision)}\ndata: ${JSON.stringify(document)}\n\n`;
}
