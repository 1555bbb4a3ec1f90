/**
 * Runs an image's program as Kubernetes would under the restricted Pod Security Standard: as the image's user, without any
 * capability, on a read-only root, as process 1 of its own process namespace. By bubblewrap, so no container engine is needed.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import type { ServiceImage } from './service-image.ts';

/** What is given to it beside what the image says. */
export interface ConfinedOptions {
  /** In place of the image's `Cmd`. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Folders of this machine, by where they appear. */
  readonly mounts?: Readonly<Record<string, string>>;
}

/** A start takes a second; a machine may be busy. */
const EVENT_MS = 60_000;

type LogRecord = Readonly<Record<string, unknown>>;

/** A running one. */
export interface ConfinedProcess extends AsyncDisposable {
  /** Lines of both outputs, so far. */
  readonly lines: readonly string[];
  /** The first record of an event, in the past or to come. Rejects when the process ends without. */
  event(name: string): Promise<LogRecord>;
  /** To process 1. */
  kill(signal: NodeJS.Signals): void;
  /** Its exit code. */
  readonly exited: Promise<number | null>;
}

/** Starts it. */
export async function startConfined(image: ServiceImage, options: ConfinedOptions = {}): Promise<ConfinedProcess> {
  const child = spawn('bwrap', bubblewrapArguments(image, options), { stdio: ['ignore', 'pipe', 'pipe', 'pipe'] });
  const exited = once(child, 'close').then(() => child.exitCode);
  const pid = await readPid(child);
  const lines: string[] = [];
  const records: LogRecord[] = [];
  const waiting = new Set<() => void>();
  const take = (line: string) => {
    lines.push(line);
    if (line.startsWith('{')) records.push(JSON.parse(line));
    for (const look of waiting) look();
  };
  for (const output of [child.stdout, child.stderr]) if (output !== null) createInterface(output).on('line', take);
  const kill = (signal: NodeJS.Signals) => {
    if (child.exitCode === null && child.signalCode === null) process.kill(pid, signal);
  };
  return {
    lines,
    exited,
    kill,
    event: (name) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const found = records.find(({ event }) => event === name);
          if (found === undefined) return;
          waiting.delete(look);
          resolve(found);
        };
        waiting.add(look);
        look();
        const give = (why: string) => reject(new Error(`${why} without ${name}:\n${lines.join('\n')}`));
        void exited.then((code) => give(`ended (${code})`));
        AbortSignal.timeout(EVENT_MS).addEventListener('abort', () => give(`${EVENT_MS} ms`));
      }),
    [Symbol.asyncDispose]: async () => {
      kill('SIGKILL');
      await exited;
    },
  };
}

function bubblewrapArguments({ root, config }: ServiceImage, options: ConfinedOptions): string[] {
  const [user = '', group = ''] = config.User.split(':');
  const env = [...config.Env.map((pair) => pair.split(/=(.*)/s, 2)), ...Object.entries(options.env ?? {})];
  const mounts = Object.entries(options.mounts ?? {}).flatMap(([at, from]) => ['--bind', from, at]);
  return [
    ...['--ro-bind', root, '/', '--proc', '/proc', '--dev', '/dev', '--tmpfs', '/run', ...mounts],
    ...['--unshare-user', '--uid', user, '--gid', group, '--cap-drop', 'ALL'],
    ...['--unshare-pid', '--as-pid-1', '--unshare-ipc', '--unshare-uts', '--info-fd', '3'],
    ...['--clearenv', ...env.flatMap(([name = '', value = '']) => ['--setenv', name, value])],
    ...['--chdir', config.WorkingDir, '--', ...config.Entrypoint, ...(options.args ?? config.Cmd)],
  ];
}

/** bubblewrap writes which process 1 is, as this machine numbers it. */
async function readPid(child: ChildProcess): Promise<number> {
  const info = child.stdio[3];
  if (!(info instanceof Readable)) throw new TypeError('the fourth output is not a pipe');
  let text = '';
  for await (const chunk of info) text += String(chunk);
  const { 'child-pid': pid }: { 'child-pid'?: number } = JSON.parse(text === '' ? '{}' : text);
  if (pid === undefined) throw new Error('bubblewrap did not start: is it installed, and may it make user namespaces?');
  return pid;
}
