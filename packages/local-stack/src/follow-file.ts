/**
 * Follows a file of lines as another program appends to it: calls back with each whole line, told by the system's file
 * watch when there is more.
 */
import { closeSync, constants, fstatSync, ftruncateSync, openSync, readSync, watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { systemErrorCode } from './errors.ts';

/** How to follow. */
export interface FollowOptions {
  readonly path: string;
  /** Called with each line, without its end. */
  onLine(line: string): void;
  /** Begin at the file's end instead of its start; default false. */
  readonly fromEnd?: boolean;
  /** Cut the file to nothing once it is longer than this and read; default: never. Its writer must append. */
  readonly truncateAtBytes?: number;
}

/** A file being followed. */
export interface FollowedFile {
  /** Reads what is there now, without waiting to be told. */
  poll(): void;
  /** Idempotent. */
  close(): void;
}

/** Begins to follow. The file need not exist yet; its folder must. A link in the file's place is never followed. */
export function followFile(options: FollowOptions): FollowedFile {
  let state = openForReading(options, options.fromEnd ?? false);
  const poll = () => {
    state ??= openForReading(options, false);
    if (state !== undefined) readLines(state, options);
  };
  const name = basename(options.path);
  const watcher = watch(dirname(options.path), (_event, changed) => {
    if (changed === null || changed === name) poll();
  });
  // Watching is a convenience of ours: it must not keep a program alive that has nothing else to do.
  watcher.unref();
  poll();
  return {
    poll,
    close() {
      watcher.close();
      if (state !== undefined) closeSync(state.descriptor);
      state = undefined;
    },
  };
}

interface ReadState {
  readonly descriptor: number;
  readonly decoder: StringDecoder;
  readonly chunk: Buffer;
  position: number;
  rest: string;
}

function openForReading({ path, truncateAtBytes }: FollowOptions, fromEnd: boolean): ReadState | undefined {
  const mode = truncateAtBytes === undefined ? constants.O_RDONLY : constants.O_RDWR;
  try {
    const descriptor = openSync(path, mode | constants.O_NOFOLLOW);
    const position = fromEnd ? fstatSync(descriptor).size : 0;
    return { descriptor, decoder: new StringDecoder('utf8'), chunk: Buffer.allocUnsafe(65_536), position, rest: '' };
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function readLines(state: ReadState, options: FollowOptions): void {
  // Shorter than what was read: its writer began anew.
  if (fstatSync(state.descriptor).size < state.position) Object.assign(state, { position: 0, rest: '' });
  for (;;) {
    const count = readSync(state.descriptor, state.chunk, 0, state.chunk.length, state.position);
    if (count === 0) break;
    state.position += count;
    const lines = (state.rest + state.decoder.write(state.chunk.subarray(0, count))).split('\n');
    state.rest = lines.pop() ?? '';
    for (const line of lines) options.onLine(line);
  }
  if (options.truncateAtBytes !== undefined && state.position > options.truncateAtBytes && state.rest === '') {
    ftruncateSync(state.descriptor, 0);
    state.position = 0;
  }
}
