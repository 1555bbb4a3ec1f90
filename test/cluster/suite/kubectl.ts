/** `kubectl` as a child process, always on the one context. `KUBECONFIG` is the caller's. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { context } from '../../../packages/local-stack/src/kind/kubectl.ts';

/** How a command ended. */
export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** How to run it. */
export interface RunOptions {
  /** Goes to its standard input. */
  readonly input?: string;
  /** Default 60 s: nothing that is waited for here takes longer on a cluster that works. */
  readonly timeoutMs?: number;
}

/** Runs a command to its end, whichever it is. */
export async function tryKubectl(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const child = start(args);
  const timer = setTimeout(() => child.kill('SIGKILL'), options.timeoutMs ?? 60_000);
  // It may end before it has read everything.
  child.stdin.on('error', () => {});
  child.stdin.end(options.input ?? '');
  try {
    const [stdout, stderr, [code]] = await Promise.all([
      textOf(child.stdout),
      textOf(child.stderr),
      once(child, 'close'),
    ]);
    return { code: typeof code === 'number' ? code : null, stdout, stderr };
  } finally {
    clearTimeout(timer);
  }
}

/** Runs a command and gives what it wrote. Rejects with its own words when it fails. */
export async function kubectl(args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await tryKubectl(args, options);
  if (code !== 0) throw new Error(`kubectl ${args.slice(0, 6).join(' ')}: exit ${code}: ${stderr}${stdout}`);
  return stdout;
}

/** A command that goes on until it is disposed of. */
export interface RunningKubectl extends AsyncDisposable {
  readonly child: ChildProcessWithoutNullStreams;
  /** Rejects with its own words when it ends. */
  readonly ended: Promise<never>;
}

/** Starts one. */
export function startKubectl(args: readonly string[]): RunningKubectl {
  const child = start(args);
  const closed = once(child, 'close');
  let words = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    words += text;
  });
  const ended = closed.then(() => {
    throw new Error(`kubectl ${args.slice(0, 6).join(' ')} ended: ${words}`);
  });
  ended.catch(() => {});
  return {
    child,
    ended,
    async [Symbol.asyncDispose]() {
      child.kill();
      await closed;
    },
  };
}

/** Resolves with the first line that it writes. */
export async function firstLineOf({ child, ended }: RunningKubectl): Promise<string> {
  const lines = createInterface({ input: child.stdout });
  const [line] = await Promise.race([once(lines, 'line'), ended]);
  return String(line);
}

function start(args: readonly string[]): ChildProcessWithoutNullStreams {
  return spawn('kubectl', ['--context', context, ...args], { stdio: 'pipe' });
}

async function textOf(stream: NodeJS.ReadableStream): Promise<string> {
  let text = '';
  for await (const chunk of stream.setEncoding('utf8')) text += String(chunk);
  return text;
}
