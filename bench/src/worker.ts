/**
 * Child processes that take commands over Node's IPC: one command at a time, one reply each. Both ends are this folder's
 * own code, so a reply's type is taken at its word, in one place.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** What came of a command. */
export type Reply = { readonly value: unknown } | { readonly error: string };

/** Commands by name: what each takes and gives. */
export type Commands = Record<string, (argument: never) => unknown>;

/** A child process as its parent sees it. */
export interface Worker<C extends Commands> {
  ask<N extends keyof C & string>(name: N, ...argument: Parameters<C[N]>): Promise<Awaited<ReturnType<C[N]>>>;
  /** Ends the process and waits until it is gone. */
  stop(): Promise<void>;
}

/** Starts `program`, a file beside this one, with `execArgv` for Node and more variables in its environment. */
export function startWorker<C extends Commands>(
  program: string,
  execArgv: readonly string[] = [],
  variables: Readonly<Record<string, string>> = {},
): Worker<C> {
  const env = { ...process.env, ...variables };
  const child = fork(fileURLToPath(new URL(program, import.meta.url)), [], { execArgv: [...execArgv], env });
  return {
    async ask(name, ...argument) {
      child.send({ name, argument: argument[0] });
      const what = `${program} ${name}`;
      return readReply(await nextReply(child, what), what);
    },
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      if (child.connected) child.disconnect();
      await gone;
    },
  };
}

/** The value in a reply, of whatever type the command gives. @throws what went wrong over there */
export function readReply(reply: Reply, what: string): never {
  if ('error' in reply) throw new Error(`bench: ${what}: ${reply.error}`);
  return reply.value as never;
}

async function nextReply(child: ChildProcess, what: string): Promise<Reply> {
  const over = new AbortController();
  const { signal } = over;
  try {
    return await Promise.race([
      once(child, 'message', { signal }).then(([reply]) => reply as Reply),
      once(child, 'exit', { signal }).then(([code, killedBy]) => {
        throw new Error(`bench: ${what}: the process ended (${code ?? killedBy})`);
      }),
    ]);
  } finally {
    over.abort();
  }
}

/** The child's side: serves commands until the parent is gone, then exits. */
export function serveCommands(commands: Commands): void {
  process.on('message', (message: { name: string; argument: never }) => {
    void answer(commands, message).then((reply) => process.send?.(reply));
  });
  process.on('disconnect', () => process.exit(0));
}

async function answer(commands: Commands, { name, argument }: { name: string; argument: never }): Promise<Reply> {
  try {
    const command = commands[name];
    if (command === undefined) throw new TypeError(`no command is named ${JSON.stringify(name)}`);
    return { value: await command(argument) };
  } catch (error) {
    return { error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}
