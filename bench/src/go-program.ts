/**
 * The Go program of `test/peers/build/go-spiffe/cmd/bench` as a worker: the same commands as our own processes, as JSON lines
 * over its standard input and output.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { type Commands, readReply, type Worker } from './worker.ts';

/** Starts it. It ends with this process, because its input does. */
export function startGoProgram<C extends Commands>(program: string): Worker<C> {
  const child = spawn(program, [], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout });
  const gone = once(child, 'close');
  // Who waits for a reply hears of it; between two commands nobody does.
  gone.catch(() => {});
  child.stdin.on('error', () => {});
  return {
    async ask(name, ...argument) {
      child.stdin.write(`${JSON.stringify({ name, argument: argument[0] ?? null })}\n`);
      const line = await Promise.race([once(lines, 'line'), gone.then(() => undefined)]);
      if (line === undefined) throw new Error(`bench: go-spiffe ${name}: the program ended`);
      return readReply(JSON.parse(String(line[0])), `go-spiffe ${name}`);
    },
    async stop() {
      child.stdin.end();
      await gone;
    },
  };
}
