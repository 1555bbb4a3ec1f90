/** An OTLP receiver that takes everything and keeps nothing, in a process of its own: it must not cost either end CPU time. */
import { createServer } from 'node:http';
import { listen } from './listen.ts';
import { serveCommands } from './worker.ts';

/** What the process can be asked for. */
export type ReceiverCommands = typeof commands;

const commands = {
  /** Starts to listen on a free port of loopback and gives it. */
  start(): Promise<number> {
    return listen(createServer((request, response) => request.resume().once('end', () => response.end())));
  },
};

serveCommands(commands);
