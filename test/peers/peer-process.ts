/**
 * A foreign program as a child process that talks in JSON lines, or just runs. It ends with the test.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';

/** One line that the program printed, as an object; `{ text }` where it is no JSON object. */
export type Line = Readonly<Record<string, unknown>>;

/** A running program. */
export interface PeerProcess {
  /** All lines so far, of standard output and standard error. */
  readonly lines: readonly Line[];
  /** The first line, past or to come, that `is` accepts. Rejects when the program ends without one. */
  line(is: (line: Line) => boolean, what: string): Promise<Line>;
  /** Resolves with the exit code. */
  readonly ended: Promise<number | null>;
  stop(): Promise<void>;
  /** Writes to its standard input. */
  send(text: string): void;
  /** Ends its standard input. */
  endInput(): void;
}

/** How to start it. */
export interface PeerCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** Whether it has a standard input. Default `false`. */
  readonly stdin?: boolean;
}

/** Starts a program; it is stopped when the test ends. */
export function startPeer(t: TestContext, { command, args, env, cwd, stdin = false }: PeerCommand): PeerProcess {
  const child = spawn(command, args, {
    stdio: [stdin ? 'pipe' : 'ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...env },
    ...(cwd === undefined ? {} : { cwd }),
  });
  // A program that ends before it has read all of it breaks the pipe.
  child.stdin?.on('error', () => {});
  const lines: Line[] = [];
  const waiting = new Set<() => void>();
  const tell = () => {
    for (const look of [...waiting]) look();
  };
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue;
    createInterface({ input: stream }).on('line', (text) => {
      lines.push(parse(text));
      tell();
    });
  }
  let over = false;
  const ended = endOf(child).finally(() => {
    over = true;
    tell();
  });
  const stop = async () => {
    if (!over) child.kill('SIGTERM');
    await ended.catch(() => null);
  };
  t.after(stop);
  const line = (is: (line: Line) => boolean, what: string) =>
    new Promise<Line>((resolve, reject) => {
      const look = () => {
        const found = lines.find(is);
        if (found === undefined && !over) return;
        waiting.delete(look);
        if (found !== undefined) resolve(found);
        else
          reject(new Error(`${command} ended without: ${what}\n${lines.map((it) => JSON.stringify(it)).join('\n')}`));
      };
      waiting.add(look);
      look();
    });
  const send = (text: string) => void child.stdin?.write(text);
  return { lines, line, ended, stop, send, endInput: () => void child.stdin?.end() };
}

/** Runs a program to its end; the JSON line that it printed last. */
export async function askPeer(t: TestContext, command: PeerCommand): Promise<Line> {
  const peer = startPeer(t, command);
  await peer.ended;
  const answer = peer.lines.findLast((line) => !('text' in line));
  if (answer !== undefined) return answer;
  throw new Error(`${command.command} ${command.args.join(' ')} answered nothing: ${JSON.stringify(peer.lines)}`);
}

async function endOf(child: ChildProcess): Promise<number | null> {
  const [code] = await once(child, 'close');
  return typeof code === 'number' ? code : null;
}

function parse(text: string): Line {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  } catch {
    // A log line in words.
  }
  return { text };
}
