/**
 * `npm start`: the whole system in a terminal, until Ctrl-C.
 */
import { LocalStackError, messageOf } from '../errors.ts';
import { portsFromEnv } from '../ports.ts';
import { stateDirectoryFromEnv, svidTtlFromEnv } from '../settings.ts';
import { type System, startSystem } from '../system.ts';
import { createTerminal, type Terminal } from './terminal.ts';

/** One Ctrl-C may arrive more than once: from the terminal and from the programs between it and us. */
const sameKeyMs = 500;

/**
 * Runs until told to stop.
 * @returns the exit code: 0 after an orderly end, 1 when it could not start or a part failed
 */
export async function runStart(host: NodeJS.Process): Promise<number> {
  const terminal = createTerminal(host.stdout);
  const stop = new AbortController();
  let system: System | undefined;
  onStopRequests(host, {
    first: () => stop.abort(),
    second: () => {
      system?.killAll();
      host.exit(1);
    },
  });
  try {
    system = await begin(host.env, terminal, stop.signal);
    terminal.say(whatToTry(system.customerUrl));
    const failure = await Promise.race([system.failed, untilAborted(stop.signal)]);
    terminal.say(failure === undefined ? '\nstopping' : `\n${failure.message}\nstopping everything`);
    await system.stop();
    terminal.say('stopped');
    return failure === undefined ? 0 : 1;
  } catch (error) {
    if (stop.signal.aborted) return 0;
    host.stderr.write(`\ncan't start: ${error instanceof LocalStackError ? error.message : describeBug(error)}\n`);
    return 1;
  }
}

async function begin(env: NodeJS.ProcessEnv, terminal: Terminal, signal: AbortSignal): Promise<System> {
  const stateDirectory = stateDirectoryFromEnv(env);
  const svidTtlMs = svidTtlFromEnv(env);
  const ports = portsFromEnv(env);
  terminal.say(`starting; state and logs in ${stateDirectory}`);
  return await startSystem({
    stateDirectory,
    ports,
    env,
    signal,
    ...(svidTtlMs === undefined ? {} : { svidTtlMs }),
    onReady: terminal.ready,
    onRecord: terminal.record,
  });
}

function onStopRequests(host: NodeJS.Process, on: { first(): void; second(): void }): void {
  let firstAt: number | undefined;
  const request = () => {
    const now = Date.now();
    if (firstAt === undefined) {
      firstAt = now;
      on.first();
    } else if (now - firstAt > sameKeyMs) on.second();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) host.on(signal, request);
  // `scripts/start.mjs` holds the other end: it is gone when that was killed.
  if (host.connected) host.on('disconnect', request);
  // A terminal that was closed takes no more lines, and that must not keep the parts from being stopped in order.
  host.stdout.on('error', request);
}

function untilAborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
}

function whatToTry(url: string): string {
  return [
    '',
    `ready ${url}`,
    '',
    '  in a browser: place an order and see each hop. Or in another terminal:',
    `  curl '${url}/api/hello?via=grpc'`,
    `  curl '${url}/api/orders' -H 'content-type: application/json' -d '{"item":"tea","quantity":2,"customer":"Ada","via":"http"}'`,
    '  npm run rogue                      an identity that no grant names tries every way in',
    '  npm run trust-domain -- rotate     everyone gets a new certificate, no call fails',
    '  npm run inspect -- backend         whose certificate, for how long, by whom',
    '  Ctrl-C stops everything',
    '',
  ].join('\n');
}

function describeBug(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : messageOf(error);
}
