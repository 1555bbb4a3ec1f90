/**
 * The ports of the system on one machine: defaults, the variable that sets each, and the check that none is taken
 * before anything is started.
 */
import { createServer } from 'node:net';
import { LocalStackError, systemErrorCode } from './errors.ts';

/** One port a listener; 0 means any free one. */
export interface Ports {
  readonly customerHttp: number;
  readonly customerHealth: number;
  readonly backendHttps: number;
  readonly backendGrpc: number;
  readonly backendHealth: number;
  readonly dbClientGrpc: number;
  readonly dbClientHealth: number;
  readonly postgres: number;
  readonly consoleHttp: number;
  readonly consoleOtlp: number;
}

/** The address everything listens on: nothing here is for other machines. */
export const loopback = '127.0.0.1';

/** What `npm start` listens on when nothing else is set; the same ports as on the cluster. */
export const defaultPorts: Ports = {
  customerHttp: 8080,
  customerHealth: 8083,
  backendHttps: 8443,
  backendGrpc: 9443,
  backendHealth: 8081,
  dbClientGrpc: 9444,
  dbClientHealth: 8082,
  postgres: 54320,
  consoleHttp: 8090,
  consoleOtlp: 4318,
};

/** All zero: for tests, which may run side by side. */
export const freePorts: Ports = {
  customerHttp: 0,
  customerHealth: 0,
  backendHttps: 0,
  backendGrpc: 0,
  backendHealth: 0,
  dbClientGrpc: 0,
  dbClientHealth: 0,
  postgres: 0,
  consoleHttp: 0,
  consoleOtlp: 0,
};

const names: readonly (keyof Ports)[] = [
  'customerHttp',
  'customerHealth',
  'backendHttps',
  'backendGrpc',
  'backendHealth',
  'dbClientGrpc',
  'dbClientHealth',
  'postgres',
  'consoleHttp',
  'consoleOtlp',
];

/** Those of the console, which a system can do without. */
const consoleNames: ReadonlySet<keyof Ports> = new Set(['consoleHttp', 'consoleOtlp']);

/** `dbClientGrpc` is set by `COUNTERSIGN_DB_CLIENT_GRPC_PORT`. */
export function portVariable(name: keyof Ports): string {
  return `COUNTERSIGN_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}_PORT`;
}

/**
 * The defaults, each replaced by its variable where that is set.
 * @throws {LocalStackError} `SETTING_INVALID` with the variable's name.
 */
export function portsFromEnv(env: NodeJS.ProcessEnv): Ports {
  const ports: Record<keyof Ports, number> = { ...defaultPorts };
  for (const name of names) {
    const text = env[portVariable(name)];
    if (text !== undefined && text !== '') ports[name] = parsePort(portVariable(name), text);
  }
  return ports;
}

function parsePort(variable: string, text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!(port >= 0 && port <= 65_535)) {
    throw new LocalStackError(
      'SETTING_INVALID',
      `${variable}: must be a number from 0 (any free port) to 65535, got ${JSON.stringify(text.slice(0, 40))}`,
    );
  }
  return port;
}

/** A port that somebody will listen on. */
export interface UsedPort {
  readonly name: keyof Ports;
  readonly port: number;
}

/** The ports that a system listens on. @param withConsole whether it has a console */
export function usedPorts(ports: Ports, withConsole: boolean): UsedPort[] {
  return names.filter((name) => withConsole || !consoleNames.has(name)).map((name) => ({ name, port: ports[name] }));
}

/**
 * Binds every port once and lets go again, so that a taken one is named before anything is started.
 * @throws {LocalStackError} `PORT_TAKEN` with every taken port and the variable that changes it.
 */
export async function assertPortsFree(ports: readonly UsedPort[]): Promise<void> {
  assertPortsDiffer(ports);
  const problems = await findPortProblems(ports);
  const lines = problems.flatMap(({ name, port, problem }) => {
    if (problem === undefined) return [];
    const without = consoleNames.has(name) ? ', or COUNTERSIGN_CONSOLE=off' : '';
    return [
      `  ${loopback}:${port} (${name}) ${problem}; stop that program, or set ${portVariable(name)} to another port (0: any free one)${without}`,
    ];
  });
  if (lines.length > 0)
    throw new LocalStackError('PORT_TAKEN', `can't listen, nothing was started:\n${lines.join('\n')}`);
}

/** Binds every port once and lets go again: why it can't be bound, or that it can. */
export function findPortProblems(
  ports: readonly UsedPort[],
): Promise<Array<UsedPort & { readonly problem: string | undefined }>> {
  return Promise.all(ports.map(async ({ name, port }) => ({ name, port, problem: await portProblem(port) })));
}

function assertPortsDiffer(ports: readonly UsedPort[]): void {
  const seen = new Map<number, keyof Ports>();
  for (const { name, port } of ports) {
    const other = seen.get(port);
    if (other !== undefined && port !== 0) {
      throw new LocalStackError(
        'PORT_TAKEN',
        `${portVariable(name)} and ${portVariable(other)}: both are ${port}; each listener needs its own port`,
      );
    }
    seen.set(port, name);
  }
}

async function portProblem(port: number): Promise<string | undefined> {
  try {
    await bindOnce(port);
    return undefined;
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'EADDRINUSE') return 'is taken by another program';
    if (code === 'EACCES') return 'may not be bound by this user (ports below 1024 need rights)';
    return `can't be bound (${code ?? String(error)})`;
  }
}

/** A port that was free a moment ago. Whoever binds it must be ready to lose the race and ask again. */
export async function findFreePort(): Promise<number> {
  return await bindOnce(0);
}

function bindOnce(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ host: loopback, port, exclusive: true }, () => {
      const address = server.address();
      const bound = typeof address === 'object' && address !== null ? address.port : port;
      server.close(() => resolve(bound));
    });
  });
}
