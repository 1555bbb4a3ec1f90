/**
 * One reader of the stream. It knows the revision up to which its reader was told, and nothing waits for it: what a slow
 * socket misses is made from the store when the socket has drained.
 */
import type { ServerResponse } from 'node:http';
import { KEEP_ALIVE } from './frames.ts';

/** What happens to a reader at a beat. */
export interface Beat {
  readonly nowMs: number;
  /** Of the store. */
  readonly revision: number;
  /** What came after a revision, as a frame. */
  readonly frameSince: (revision: number) => string;
}

export interface Reader {
  beat(beat: Beat): void;
  /** Ends the stream properly. */
  end(): void;
}

export interface ReaderOptions {
  readonly response: ServerResponse;
  /** Up to which it was told; -1 for one that was told nothing. */
  readonly revision: number;
  readonly keepAliveMs: number;
  /** A socket that takes nothing for so long is cut: its reader comes back, if there is one. */
  readonly stalledMs: number;
  readonly nowMs: number;
}

export function createReader(options: ReaderOptions): Reader {
  const { response, keepAliveMs, stalledMs } = options;
  let { revision, nowMs: writtenAt } = options;

  function write(frame: string, nowMs: number): void {
    writtenAt = nowMs;
    response.write(frame);
  }

  return {
    beat({ nowMs, revision: latest, frameSince }) {
      // What was written is still here, or in the socket's own buffer: more would only grow.
      if (response.writableNeedDrain) {
        if (nowMs - writtenAt >= stalledMs) response.destroy();
      } else if (latest > revision) {
        write(frameSince(revision), nowMs);
        revision = latest;
      } else if (nowMs - writtenAt >= keepAliveMs) write(KEEP_ALIVE, nowMs);
    },
    end: () => void response.end(),
  };
}
