/**
 * The program that attacks, as a child: requests and answers over its channel.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { inheritedEnv } from '../definitions.ts';
import { LocalStackError } from '../errors.ts';
import type { AttackDescription, AttackResult } from './stack-control.ts';

/** Where it is. Not part of the packages: the attacks are tests, too. */
export const attackProgram = fileURLToPath(new URL('../../../../test/matrix/lab-main.ts', import.meta.url));

/** How to start it. */
export interface AttackProcessOptions {
  readonly program: string;
  readonly stateDirectory: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** One run of it. Each operation rejects when it ends, or when the time is over, which ends it. */
export interface AttackProcess {
  /** Whether it takes no more requests. */
  readonly isOver: boolean;
  list(): Promise<readonly AttackDescription[]>;
  run(id: string, timeoutMs: number): Promise<AttackResult>;
  /** Resolves when it is gone. Idempotent. */
  end(): Promise<void>;
}

/** How long it may take to start: a cold checkout is read for the first time. */
const startMs = 60_000;
/** What it holds open is closed by then. */
const graceMs = 2_000;
const keptOutput = 2_000;

/** Starts it; it takes requests at once, and answers the first when it is ready. */
export function startAttackProcess({ program, stateDirectory, env }: AttackProcessOptions): AttackProcess {
  const child = fork(program, [stateDirectory], {
    execArgv: [],
    env: { ...inheritedEnv(env ?? {}), COUNTERSIGN_DEVELOPMENT: '1' },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  const channel = createChannel(child);
  const list = channel.ask({}, startMs);
  list.catch(() => {});
  return {
    get isOver() {
      return channel.isOver;
    },
    // Ours: what the program of this very checkout answers.
    list: async () => (await list) as readonly AttackDescription[],
    async run(id, timeoutMs) {
      await list;
      return (await channel.ask({ attack: id }, timeoutMs)) as AttackResult;
    },
    end: channel.end,
  };
}

interface Channel {
  readonly isOver: boolean;
  ask(question: { readonly attack?: string }, timeoutMs: number): Promise<unknown>;
  end(): Promise<void>;
}

function createChannel(child: ChildProcess): Channel {
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  const gone = Promise.withResolvers<void>();
  let isOver = false;
  let asked = 0;
  let output = '';
  const over = (why: string) => {
    isOver = true;
    for (const { reject } of waiting.values()) reject(failure(why));
    waiting.clear();
  };
  const end = async (): Promise<void> => {
    over('it was ended');
    // Asked first: it may have processes and sockets of its own to close.
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
    await gone.promise;
    clearTimeout(timer);
  };
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    output = (output + text).slice(-keptOutput);
  });
  child.once('error', (error) => {
    over(error.message);
    gone.resolve();
  });
  child.once('close', (code, signal) => {
    over(`the program that attacks ended (${signal ?? `exit code ${code}`}): ${lastWords(output)}`);
    gone.resolve();
  });
  child.on('message', (message) => {
    // Ours, as above.
    const { number, answer, error } = message as { number: number; answer?: unknown; error?: string };
    if (error === undefined) waiting.get(number)?.resolve(answer);
    else waiting.get(number)?.reject(failure(error));
  });
  return {
    get isOver() {
      return isOver;
    },
    end,
    async ask(question, timeoutMs) {
      const number = asked++;
      const waiter = Promise.withResolvers<unknown>();
      waiting.set(number, waiter);
      const timer = setTimeout(() => {
        waiter.reject(failure(`no answer within ${timeoutMs / 1_000} s`));
        void end();
      }, timeoutMs);
      try {
        child.send({ number, ...question });
        return await waiter.promise;
      } finally {
        clearTimeout(timer);
        waiting.delete(number);
      }
    },
  };
}

function failure(why: string): LocalStackError {
  return new LocalStackError('CONTROL_FAILED', `attacks: ${why}`);
}

/** The line that names the error, if one does. */
function lastWords(output: string): string {
  const lines = output.trim().split('\n');
  return lines.find((line) => /^\w*Error\b/.test(line)) ?? lines.at(-1) ?? '';
}
