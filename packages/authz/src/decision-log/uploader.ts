/**
 * When uploads happen: some time after the first event, again and again while the receiver is away, and a last time when the
 * process ends. One upload at a time, so that events arrive in the order in which they were recorded.
 */
import { type Clock, createSystemClock } from '@countersign/spiffe-tls';
import type { DeliveryCounter } from './decision-sink.ts';
import type { EventBuffer } from './event-buffer.ts';
import type { LogEndpoint, UploadOutcome } from './log-endpoint.ts';
import type { ChunkPacker } from './upload-chunk.ts';

/** How the receiver is doing. */
export type EndpointState =
  | { readonly state: 'delivering' }
  | { readonly state: 'failing' | 'refusing'; readonly why: string };

/** What an uploader works with. */
export interface UploaderParts {
  readonly endpoint: LogEndpoint;
  readonly packer: ChunkPacker;
  readonly buffer: EventBuffer;
  readonly counter: DeliveryCounter;
  /** Waiting longer would only risk to drop events. */
  readonly isHalfFull: () => boolean;
  readonly onState: ((state: EndpointState) => void) | undefined;
}

/** When. */
export interface UploadTimes {
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
  readonly drainMs: number;
  readonly clock: Clock | undefined;
  readonly random: (() => number) | undefined;
}

/** Runs the uploads of one buffer. */
export interface Uploader {
  /** An event was added. */
  wake(): void;
  isClosed(): boolean;
  /** Delivers what it can within the bound, drops the rest. */
  close(): Promise<void>;
}

/** What the uploader is doing. Only `waiting` has a timer, only `sending` an upload. */
type State =
  | { readonly is: 'idle' | 'sending' }
  | { readonly is: 'waiting'; readonly until: 'due' | 'soon' | 'retry'; readonly cancel: () => void };

/** The first wait after a failure, as OPA's; each further one is twice as long. */
const RETRY_MS = 100;

/** Makes it; it is idle until it is woken. */
export function createUploader(parts: UploaderParts, times: UploadTimes): Uploader {
  const { buffer, counter, isHalfFull } = parts;
  const { minDelayMs, maxDelayMs, random = Math.random } = times;
  // Waiting events keep no process alive; somebody who awaits close() does.
  const clock = times.clock ?? createSystemClock({ unref: true });
  const drainClock = times.clock ?? createSystemClock();
  const ending = new AbortController();
  let state: State = { is: 'idle' };
  let failures = 0;
  let finish: (() => void) | undefined;
  let closing: Promise<void> | undefined;

  const waitFor = (until: 'due' | 'soon' | 'retry', delayMs: number) => {
    state = { is: 'waiting', until, cancel: (closing === undefined ? clock : drainClock).schedule(delayMs, start) };
  };
  const dueMs = () => minDelayMs + random() * (maxDelayMs - minDelayMs);
  const retryMs = () => Math.min(maxDelayMs, RETRY_MS * 2 ** Math.min(failures - 1, 20)) * (0.5 + random() / 2);
  const waitForMore = () => (isHalfFull() ? waitFor('soon', 0) : waitFor('due', dueMs()));

  function start(): void {
    state = { is: 'sending' };
    void deliver(parts, ending.signal, note).then(settle, (error: unknown) => {
      buffer.release(0);
      settle({ why: error instanceof Error ? error.message : String(error) });
    });
  }

  function note(outcome: UploadOutcome): void {
    if (outcome.kind === 'refused' || outcome.kind === 'too-large')
      tell(parts, { state: 'refusing', why: outcome.why });
    else if (outcome.kind === 'taken' && failures > 0) tell(parts, { state: 'delivering' });
    if (outcome.kind !== 'retry') failures = 0;
  }

  function settle(failed: Failure | undefined): void {
    state = { is: 'idle' };
    if (failed !== undefined && !ending.signal.aborted) {
      failures += 1;
      counter.retried();
      if (failures === 1) tell(parts, { state: 'failing', why: failed.why });
    }
    if (finish !== undefined && (ending.signal.aborted || buffer.size === 0)) finish();
    // Not before the receiver asks for it, and not in step with whomever else it asked.
    else if (failed !== undefined) waitFor('retry', (failed.afterMs ?? 0) + retryMs());
    else if (closing !== undefined) start();
    else if (buffer.size > 0) waitForMore();
  }

  function drain(resolve: () => void): void {
    const cancelBound = drainClock.schedule(times.drainMs, () => {
      ending.abort();
      if (state.is !== 'sending') finish?.();
    });
    finish = () => {
      finish = undefined;
      cancelBound();
      if (state.is === 'waiting') state.cancel();
      state = { is: 'idle' };
      counter.dropped('closed', buffer.clear());
      resolve();
    };
    if (state.is === 'sending') return;
    if (state.is === 'waiting') state.cancel();
    if (buffer.size > 0) start();
    else finish();
  }

  return {
    wake() {
      if (state.is === 'idle') waitForMore();
      else if (state.is === 'waiting' && state.until === 'due' && isHalfFull()) {
        state.cancel();
        waitFor('soon', 0);
      }
    },
    isClosed: () => closing !== undefined,
    close() {
      closing ??= new Promise(drain);
      return closing;
    },
  };
}

/** Why uploads stopped before all were made. */
interface Failure {
  readonly why: string;
  /** What the receiver asks to be left alone for. */
  readonly afterMs?: number;
}

/** Uploads the events that are there now. Returns why it stopped before, when it did. */
async function deliver(
  { buffer, packer, endpoint, counter }: UploaderParts,
  signal: AbortSignal,
  note: (outcome: UploadOutcome) => void,
): Promise<Failure | undefined> {
  // Not those that come meanwhile: at a steady pace they would each go alone.
  let due = buffer.size;
  while (due > 0 && buffer.size > 0) {
    const chunk = await packer.pack(buffer);
    if (chunk === 'too-large') {
      buffer.release(1);
      counter.dropped('too-large', 1);
      due -= 1;
      continue;
    }
    const outcome = await endpoint.upload(chunk.body, signal);
    if (outcome.kind === 'too-large' && chunk.count > 1) {
      // The same events again, in smaller uploads.
      buffer.release(0);
      packer.shrink();
      continue;
    }
    buffer.release(outcome.kind === 'retry' ? 0 : chunk.count);
    if (outcome.kind === 'taken') counter.sent(chunk.count);
    if (outcome.kind === 'refused' || outcome.kind === 'too-large') counter.dropped(outcome.kind, chunk.count);
    note(outcome);
    if (outcome.kind === 'retry') return outcome;
    due -= chunk.count;
  }
  return undefined;
}

function tell({ onState }: UploaderParts, state: EndpointState): void {
  try {
    onState?.(state);
  } catch {
    // Somebody's log must not stop this one.
  }
}
