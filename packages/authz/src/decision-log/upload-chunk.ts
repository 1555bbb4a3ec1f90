/**
 * What one upload holds: as many of the oldest events as fit into the size limit once they are compressed, as a gzip of a
 * JSON array. How well they compress is learnt from one upload to the next, and so is what the receiver finds too large.
 */
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { EventBuffer } from './event-buffer.ts';

/** One upload. */
export interface UploadChunk {
  readonly body: Buffer;
  /** Events in it, the oldest of the buffer, which holds them. */
  readonly count: number;
}

/** Packs uploads. */
export interface ChunkPacker {
  /**
   * Holds the oldest events of the buffer and packs them. `too-large`: the oldest does not fit even alone; it is held by
   * itself. @param buffer must not be empty
   */
  pack(buffer: EventBuffer): Promise<UploadChunk | 'too-large'>;
  /** The receiver found the last chunk too large: those to come are at most half of it, but one event always goes. */
  shrink(): void;
}

const compress = promisify(gzip);
/** JSON of one upload before compression at most, whatever the ratio promises: the receiver unpacks it. */
const MAX_JSON_BYTES = 1024 * 1024;
/** Brackets and one comma for the events of a chunk: little, but an event of exactly the limit must not be packed. */
const FULL = 0.9;

/** @param limitBytes of a compressed upload at most */
export function createChunkPacker(limitBytes: number): ChunkPacker {
  let jsonBytes = limitBytes;
  /** Bounds `jsonBytes`. It never grows again: what refuses an upload of that size is a setting of the receiver's. */
  let most = MAX_JSON_BYTES;
  let packed = 0;

  return {
    async pack(buffer) {
      for (;;) {
        const events = buffer.hold(jsonBytes);
        packed = events.reduce((total, event) => total + event.bytes, 0);
        const body = await compress(`[${events.map(({ json }) => json).join(',')}]`);
        if (body.length <= limitBytes) {
          // Room was left and more is waiting: the next may be larger.
          if (body.length < limitBytes * FULL && buffer.size > events.length) jsonBytes = Math.min(most, jsonBytes * 2);
          return { body, count: events.length };
        }
        if (events.length === 1) return 'too-large';
        buffer.release(0);
        jsonBytes = Math.max(1, Math.floor(Math.min(packed / 2, (packed * limitBytes * FULL) / body.length)));
      }
    },
    shrink() {
      most = Math.max(1, Math.floor(packed / 2));
      jsonBytes = Math.min(jsonBytes, most);
    },
  };
}
