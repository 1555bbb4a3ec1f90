/**
 * `system.json`: what a running system tells the programs that are started beside it. Only who may read the state
 * directory can read it, and it holds no secret.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LocalStackError, systemErrorCode } from './errors.ts';
import type { Account } from './identity-provider.ts';
import type { Ports } from './ports.ts';
import { findLockHolder } from './run-lock.ts';

/** Where a running system listens: `127.0.0.1:port` each. */
export interface SystemAddresses {
  readonly customer: { readonly http: string; readonly health: string };
  readonly backend: { readonly https: string; readonly grpc: string; readonly health: string };
  readonly dbClient: { readonly grpc: string; readonly health: string };
  readonly postgres: string;
  /** Of the development page, where there is one. */
  readonly console?: { readonly http: string; readonly otlp: string };
}

/** A running system, as a program beside it needs to know it. */
export interface SystemFile {
  readonly pid: number;
  readonly customerUrl: string;
  readonly addresses: SystemAddresses;
  /** Folder of `<name>.log`. */
  readonly logs: string;
  /** Workload API of each workload, `unix:///...`. */
  readonly sockets: Readonly<Record<string, string>>;
  /** User of each workload where that is what makes it one, as on SPIRE. */
  readonly accounts?: Readonly<Record<string, Account>>;
  /** Path of the trust domain's control socket; absent on SPIRE. */
  readonly control?: string;
  readonly database: string;
}

/** The ports in these addresses; 0 for a console that there is not. */
export function portsOf({ customer, backend, dbClient, postgres, console }: SystemAddresses): Ports {
  const port = (address: string) => Number(address.slice(address.lastIndexOf(':') + 1));
  return {
    customerHttp: port(customer.http),
    customerHealth: port(customer.health),
    backendHttps: port(backend.https),
    backendGrpc: port(backend.grpc),
    backendHealth: port(backend.health),
    dbClientGrpc: port(dbClient.grpc),
    dbClientHealth: port(dbClient.health),
    postgres: port(postgres),
    consoleHttp: console === undefined ? 0 : port(console.http),
    consoleOtlp: console === undefined ? 0 : port(console.otlp),
  };
}

/** Writes it; called when everything is ready. */
export function writeSystemFile(path: string, system: SystemFile): void {
  writeFileSync(path, `${JSON.stringify(system, undefined, 2)}\n`, { mode: 0o600 });
}

/** Removes it; called before the first part is stopped. */
export function removeSystemFile(path: string): void {
  rmSync(path, { force: true });
}

/**
 * Finds the system that runs in a state directory.
 * @throws {LocalStackError} `NOT_RUNNING`
 */
export function findRunningSystem(stateDirectory: string): SystemFile {
  const holder = findLockHolder(stateDirectory);
  const system = holder === undefined ? undefined : readSystemFile(join(stateDirectory, 'system.json'));
  // A file that a killed run left behind names another process than the lock.
  if (holder === undefined || system === undefined || system.pid !== holder.pid) {
    const starting = holder === undefined ? 'no system runs' : 'the system is not ready yet';
    throw new LocalStackError(
      'NOT_RUNNING',
      `${starting} in ${stateDirectory}: run npm start in another terminal and wait for "ready"`,
    );
  }
  return system;
}

function readSystemFile(path: string): SystemFile | undefined {
  try {
    // Ours: written by writeSystemFile in a folder that only we can write to.
    return JSON.parse(readFileSync(path, 'utf8')) as SystemFile;
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT' || error instanceof SyntaxError) return undefined;
    throw error;
  }
}
