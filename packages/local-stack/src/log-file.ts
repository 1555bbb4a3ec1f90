/**
 * The log of one part of the system on disk, bounded: when it is full it becomes `<name>.log.1`, and a new one begins.
 */
import { createWriteStream, openSync, renameSync, rmSync, statSync, type WriteStream } from 'node:fs';

/** An open log file. */
export interface LogFile {
  readonly path: string;
  write(line: string): void;
  /** Resolves when all that was written is on disk. */
  close(): Promise<void>;
}

/** A part's log takes twice this at most. */
const defaultMaxBytes = 8 * 1024 * 1024;

/** Opens a part's log to append to it. */
export function openLogFile(path: string, maxBytes: number = defaultMaxBytes): LogFile {
  let stream = open(path);
  let size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  return {
    path,
    write(line) {
      const text = `${line}\n`;
      size += Buffer.byteLength(text);
      if (size > maxBytes) {
        stream.end();
        rmSync(`${path}.1`, { force: true });
        renameSync(path, `${path}.1`);
        stream = open(path);
        size = Buffer.byteLength(text);
      }
      stream.write(text);
    },
    close: () => new Promise((resolve) => stream.end(resolve)),
  };
}

function open(path: string): WriteStream {
  const stream = createWriteStream(path, { fd: openSync(path, 'a', 0o600) });
  // A full disk must not stop the system; what is lost is said once, on the terminal.
  stream.once('error', (error) => process.stderr.write(`log: ${path} can't be written: ${error.message}\n`));
  return stream;
}
