/**
 * `npm start`: the whole system in a terminal, until Ctrl-C.
 */
import { openStackControl } from '../control/open.ts';
import type { StackControlServer } from '../control/server.ts';
import { LocalStackError, messageOf } from '../errors.ts';
import { portsFromEnv } from '../ports.ts';
import { consoleFromEnv, spireFromEnv, stateDirectoryFromEnv, svidTtlFromEnv } from '../settings.ts';
import { startSpireSystem } from '../spire/system.ts';
import { type OperatedSystem, type RunningSystem, type SystemOptions, startSystem } from '../system.ts';
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
  let system: RunningSystem | undefined;
  let control: StackControlServer | undefined;
  onStopRequests(host, {
    first: () => stop.abort(),
    second: () => {
      system?.killAll();
      host.exit(1);
    },
  });
  try {
    const begun = await begin(host.env, terminal, stop.signal);
    system = begun.system;
    control = await openControl(begun.system, host);
    terminal.say(begun.tryThis);
    const failure = await Promise.race([system.failed, untilAborted(stop.signal)]);
    terminal.say(failure === undefined ? '\nstopping' : `\n${failure.message}\nstopping everything`);
    await control?.close();
    await system.stop();
    terminal.say('stopped');
    return failure === undefined ? 0 : 1;
  } catch (error) {
    // It runs already when its control can't be opened.
    await system?.stop();
    if (stop.signal.aborted) return 0;
    host.stderr.write(`\ncan't start: ${error instanceof LocalStackError ? error.message : describeBug(error)}\n`);
    return 1;
  }
}

/** What commands the system is there for the console: without one nobody could ask for it. */
function openControl(system: OperatedSystem, { env, stderr }: NodeJS.Process): Promise<StackControlServer> | undefined {
  if (system.addresses.console === undefined) return undefined;
  return openStackControl(system, env, (error) => stderr.write(`the stack's control failed: ${describeBug(error)}\n`));
}

interface Begun {
  readonly system: OperatedSystem;
  /** What to say once everything is there. */
  readonly tryThis: string;
}

async function begin(env: NodeJS.ProcessEnv, terminal: Terminal, signal: AbortSignal): Promise<Begun> {
  const stateDirectory = stateDirectoryFromEnv(env);
  const svidTtlMs = svidTtlFromEnv(env);
  const ports = portsFromEnv(env);
  const spire = spireFromEnv(env);
  const on = spire === undefined ? '' : ' on SPIRE';
  terminal.say(`starting${on}; state and logs in ${stateDirectory}`);
  const options: SystemOptions = {
    stateDirectory,
    ports,
    env,
    signal,
    console: consoleFromEnv(env),
    ...(svidTtlMs === undefined ? {} : { svidTtlMs }),
    onReady: terminal.ready,
    onRecord: terminal.record,
  };
  if (spire === undefined) {
    const system = await startSystem(options);
    return { system, tryThis: whatToTry(system, besideTrustDomain) };
  }
  const system = await startSpireSystem({ ...options, spire });
  return { system, tryThis: whatToTry(system, besideSpire(spire.server, system.spire.serverSocket)) };
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

const besideTrustDomain = [
  '  npm run rogue                      an identity that no grant names tries every way in',
  '  npm run trust-domain -- rotate     everyone gets a new certificate, no call fails',
  '  npm run inspect -- backend         whose certificate, for how long, by whom',
];

function besideSpire(server: string, socket: string): string[] {
  const at = `-socketPath ${socket}`;
  return [
    '  npm run rogue                      an identity that no grant names tries every way in',
    '  npm run inspect -- backend         whose certificate, for how long, by whom',
    '  SPIRE is yours to command (as root), for example:',
    `  ${server} entry show ${at}`,
    `  ${server} entry delete -entryID customer ${at}`,
    `  ${server} localauthority x509 show ${at}`,
  ];
}

function whatToTry({ customerUrl: url, addresses }: RunningSystem, beside: readonly string[]): string {
  const page = addresses.console?.http;
  return [
    '',
    `ready ${url}`,
    '',
    ...(page === undefined ? [] : [`  http://${page}  the live map, attack lab and policy editor`, '']),
    '  in a browser: place an order and see each hop. Or in another terminal:',
    `  curl '${url}/api/hello?via=grpc'`,
    `  curl '${url}/api/orders' -H 'content-type: application/json' -d '{"item":"tea","quantity":2,"customer":"Ada","via":"http"}'`,
    ...beside,
    '  Ctrl-C stops everything',
    '',
  ].join('\n');
}

function describeBug(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : messageOf(error);
}
