/** The stream of events that `wire/stream.ts` describes: one beat for all readers, at which each gets what it has not seen. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { sendProblem } from '@countersign/service-kit';
import type { Store } from '../store/store.ts';
import { PATCH_EVERY_MS } from '../wire/stream.ts';
import { revisionOf } from './event-id.ts';
import { patchFrame, RETRY, snapshotFrame } from './frames.ts';
import { createReader, type Reader } from './reader.ts';

/** How {@link createEventStream} sends. */
export interface EventStreamOptions {
  readonly store: Pick<Store, 'revision' | 'snapshot' | 'changesSince'>;
  /** Names this run of the console. Default: a new one. */
  readonly epoch?: string;
  /** Readers at once; further ones are told to come again (503). Default 32: browser tabs, and the dashboards of a workshop. */
  readonly maxStreams?: number;
  /** A comment after so long without an event. Default 15 s. */
  readonly keepAliveMs?: number;
  /** A reader whose socket takes nothing for so long is cut. Default 60 s. */
  readonly stalledMs?: number;
  /** Milliseconds, of any beginning. Default: a clock that never goes back. */
  readonly now?: () => number;
}

/** The stream. Its functions may be passed about without it. */
export interface EventStream {
  /** Answers one request with the stream. Who may have it was asked before. */
  readonly handle: (request: IncomingMessage, response: ServerResponse) => void;
  /** How many read it. */
  readonly open: number;
  /** Ends all streams and refuses further ones. */
  readonly close: () => Promise<void>;
}

const DEFAULTS = { maxStreams: 32, keepAliveMs: 15_000, stalledMs: 60_000, now: () => performance.now() };
const RETRY_AFTER_SECONDS = '5';
const NOTHING_SEEN = -1;

/** Makes it. Nothing runs while nobody reads. */
export function createEventStream(options: EventStreamOptions): EventStream {
  const { store, epoch = randomUUID(), maxStreams, keepAliveMs, stalledMs, now } = { ...DEFAULTS, ...options };
  const readers = new Map<ServerResponse, Reader>();
  let beating: NodeJS.Timeout | undefined;
  let closed = false;

  function beat(): void {
    const frameSince = createFrames(store, epoch);
    const { revision } = store;
    for (const reader of readers.values()) reader.beat({ nowMs: now(), revision, frameSince });
  }

  function open(request: IncomingMessage, response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    response.write(RETRY);
    const revision = seenBy(request, epoch, store.revision);
    const reader = createReader({ response, revision, keepAliveMs, stalledMs, nowMs: now() });
    readers.set(response, reader);
    response.once('close', () => leave(response));
    reader.beat({ nowMs: now(), revision: store.revision, frameSince: createFrames(store, epoch) });
    beating ??= setInterval(beat, PATCH_EVERY_MS);
  }

  function leave(response: ServerResponse): void {
    readers.delete(response);
    if (readers.size > 0) return;
    clearInterval(beating);
    beating = undefined;
  }

  return {
    get open() {
      return readers.size;
    },
    handle(request, response) {
      if (!closed && readers.size < maxStreams) return open(request, response);
      response.setHeader('retry-after', RETRY_AFTER_SECONDS);
      sendProblem(response, {
        status: 503,
        detail: closed ? 'The console is stopping.' : `At most ${maxStreams} pages can watch at once.`,
      });
    },
    async close() {
      closed = true;
      const left = Array.from(readers.keys(), whenClosed);
      for (const reader of readers.values()) reader.end();
      await Promise.all(left);
    },
  };
}

/** A revision that this run has not reached yet is none of its own. */
function seenBy({ headers }: IncomingMessage, epoch: string, latest: number): number {
  const [lastEventId] = [headers['last-event-id']].flat();
  const revision = revisionOf(epoch, lastEventId);
  return revision === undefined || revision > latest ? NOTHING_SEEN : revision;
}

/** Frames of one moment: readers that have seen the same get the same text, made once. */
function createFrames(store: EventStreamOptions['store'], epoch: string): (revision: number) => string {
  const made = new Map<number, string>();
  return (revision) => {
    const frame = made.get(revision) ?? makeFrame(store, epoch, revision);
    made.set(revision, frame);
    return frame;
  };
}

function makeFrame(store: EventStreamOptions['store'], epoch: string, revision: number): string {
  const patch = revision === NOTHING_SEEN ? undefined : store.changesSince(revision);
  return patch === undefined ? snapshotFrame(epoch, store.snapshot()) : patchFrame(epoch, patch);
}

/** A reader that does not read can't be ended: after a moment it is cut. */
function whenClosed(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    if (response.closed) return resolve();
    const cut = setTimeout(() => response.destroy(), CLOSE_MS);
    response.once('close', () => {
      clearTimeout(cut);
      resolve();
    });
  });
}

const CLOSE_MS = 300;
