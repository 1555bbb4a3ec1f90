/**
 * The console as a part of the system: a process that watches, which the others neither wait for nor know of.
 */

import { stackControlSocket } from './control/socket-path.ts';
import { consoleEnv, type EnvironmentInput } from './definitions.ts';
import type { LogRecord } from './part.ts';
import { findFreePort, loopback, type Ports } from './ports.ts';
import type { StateDirectory } from './state-directory.ts';
import { routeTelemetry, type TelemetryRoute } from './telemetry-env.ts';

/** The services, whose telemetry it shows. db-migrate is gone before anybody looks. */
const WATCHED: ReadonlySet<string> = new Set(['customer', 'backend', 'db-client']);

/** Where a console listens. */
export interface ConsoleAddresses {
  readonly http: string;
  readonly otlp: string;
}

/** Both ports are chosen before anything starts: the services are told where it receives before it does. */
export async function chooseConsolePorts(ports: Ports): Promise<Ports> {
  return {
    ...ports,
    consoleHttp: ports.consoleHttp || (await findFreePort()),
    consoleOtlp: ports.consoleOtlp || (await findFreePort()),
  };
}

/** Where it listens, whether it does yet or not. */
export function consoleAddresses(ports: Ports): ConsoleAddresses {
  return { http: `${loopback}:${ports.consoleHttp}`, otlp: `${loopback}:${ports.consoleOtlp}` };
}

/** Where telemetry goes while it runs. @param env the caller's */
export function consoleRoute(ports: Ports, env: NodeJS.ProcessEnv): TelemetryRoute {
  return routeTelemetry(env, `http://${consoleAddresses(ports).otlp}`);
}

/** What a program gets of that on top of the rest. */
export function watchedEnv(route: TelemetryRoute, program: string): NodeJS.ProcessEnv {
  return 'services' in route && WATCHED.has(program) ? route.services : {};
}

/** What a console is started with. */
export interface ConsoleGround {
  readonly ports: Ports;
  readonly state: StateDirectory;
  readonly options: {
    /** The caller's environment. */
    readonly env?: NodeJS.ProcessEnv;
    readonly onRecord?: (program: 'console', record: LogRecord) => void;
    readonly onReady?: (program: 'console', where: string) => void;
  };
}

type Launch = (
  name: 'console',
  env: (input: EnvironmentInput) => NodeJS.ProcessEnv,
) => { readonly ready: Promise<unknown> };

/**
 * Starts it last, so that it delays nobody, and nobody waits for it.
 * @param customerListens resolves with the customer's address
 */
export function startConsole(ground: ConsoleGround, launch: Launch, customerListens: Promise<string>): void {
  const { ports, options } = ground;
  const { env = {}, onRecord, onReady } = options;
  const route = consoleRoute(ports, env);
  if ('left' in route) onRecord?.('console', watchesNothing(route.left));
  customerListens
    .then((http) => launch('console', (input) => environmentOf(input, ground, `http://${http}`)).ready)
    .then(() => onReady?.('console', `http://${consoleAddresses(ports).http}`))
    // The supervisor says why, and starts it again.
    .catch(() => {});
}

function environmentOf(input: EnvironmentInput, ground: ConsoleGround, customerUrl: string): NodeJS.ProcessEnv {
  const { ports, state, options } = ground;
  const { env = {} } = options;
  const route = consoleRoute(ports, env);
  const { TRACE_URL } = env;
  return {
    ...consoleEnv(input, { customerUrl, controlSocket: stackControlSocket(state) }),
    ...('console' in route ? route.console : {}),
    ...(TRACE_URL === undefined ? {} : { TRACE_URL }),
  };
}

/** The record that says so when the user's own settings leave the console without telemetry. */
function watchesNothing(variable: string): LogRecord {
  const message = `gets no telemetry, because ${variable} is set and sends it elsewhere; unset it to see the services' calls`;
  return { level: 'warn', time: new Date().toISOString(), service: 'console', event: 'watches-nothing', message };
}
