/** Gathers all facts: of the running system, if there is one, and of the environment of one service, if one is named. */
import { dirname } from 'node:path';
import { type Identities, loadIdentities } from '@countersign/identities';
import { portsFromEnv, usedPorts } from '../ports.ts';
import { consoleFromEnv } from '../settings.ts';
import { findRunningSystem, type SystemFile } from '../system-file.ts';
import type { EnvironmentFacts, Facts } from './facts.ts';
import { gatherEndpoint, gatherRunningWorkload, gatherWorkload } from './gather-identity.ts';
import { gatherClock, gatherFiles, gatherHealth, gatherPolicy, gatherPorts, gatherPostgres } from './gather-system.ts';
import { processEnvironments } from './process-environments.ts';

/** What to look at. */
export interface GatherOptions {
  /** The caller's environment, or that of the service. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stateDirectory: string;
  /** Looks at this service's environment alone, beside the running system. */
  readonly service?: string;
  /** Address of a clock to compare with. */
  readonly clockUrl?: string;
}

/** Long-running workloads; the others run on demand. */
const asked = ['customer', 'backend', 'db-client', 'postgres'];

/** Looks; changes nothing. */
export async function gatherFacts(options: GatherOptions): Promise<Facts> {
  const { env, stateDirectory, service, clockUrl } = options;
  const identities = loadIdentities();
  const system = findSystem(stateDirectory);
  const { health, clocks } = system === undefined ? { health: [], clocks: [] } : await gatherHealth(system);
  const own = { subject: service ?? 'this shell', env };
  return {
    nowMs: Date.now(),
    nodeVersion: process.version,
    trustDomain: identities.trustDomain,
    knownIds: identities.names().map((name) => identities.workload(name).spiffeId),
    environments: [own, ...(system === undefined ? [] : processEnvironments(system.pid))],
    ...(await gatherIdentities(identities, system, options)),
    clocks: [...clocks, ...(clockUrl === undefined ? [] : await gatherClock(clockUrl))],
    health,
    policy: await gatherPolicy(identities, env['POLICY_BUNDLE'], system?.logs),
    postgres: gatherPostgres(identities, stateDirectory, system),
    ports:
      system === undefined && service === undefined
        ? await gatherPorts(usedPorts(portsFromEnv({ ...env }), consoleFromEnv({ ...env })))
        : [],
    files: gatherFiles(privateRoots(own, stateDirectory, system)),
  };
}

async function gatherIdentities(
  identities: Identities,
  system: SystemFile | undefined,
  { env, service }: GatherOptions,
): Promise<Pick<Facts, 'endpoints' | 'workloads'>> {
  if (service !== undefined) return gatherService(identities, service, { env, system });
  if (system === undefined) return { endpoints: [], workloads: [] };
  const names = asked.filter((name) => system.sockets[name] !== undefined);
  const endpoints = await Promise.all(names.map((name) => gatherEndpoint(name, system.sockets[name] ?? '')));
  const reachable = new Set(endpoints.filter(({ socket }) => socket === 'socket').map(({ subject }) => subject));
  const workloads = names.filter((name) => reachable.has(name));
  return {
    endpoints,
    workloads: await Promise.all(workloads.map((name) => gatherRunningWorkload(identities, system, name))),
  };
}

/** One service as it would start with this environment, as this user. */
async function gatherService(
  identities: Identities,
  service: string,
  { env, system }: Pick<GatherOptions, 'env'> & { readonly system: SystemFile | undefined },
): Promise<Pick<Facts, 'endpoints' | 'workloads'>> {
  if ((env['SPIFFE_SOURCE'] || 'workload-api') !== 'workload-api') return { endpoints: [], workloads: [] };
  const address = env['SPIFFE_ENDPOINT_SOCKET'] ?? '';
  const endpoint = await gatherEndpoint(service, address);
  const selectorUid = system?.accounts?.[service]?.uid;
  const canAsk = endpoint.socket === 'socket' || /^tcp:\/\/[\d.[]/.test(address);
  return {
    endpoints: [endpoint],
    workloads: canAsk ? [await gatherWorkload(identities, service, address, selectorUid)] : [],
  };
}

function findSystem(stateDirectory: string): SystemFile | undefined {
  try {
    return findRunningSystem(stateDirectory);
  } catch {
    return undefined;
  }
}

function privateRoots({ env }: EnvironmentFacts, state: string, system: SystemFile | undefined): string[] {
  const files = env['SPIFFE_FILES_DIRECTORY'];
  const outside = system?.control === undefined ? undefined : dirname(dirname(dirname(system.control)));
  return [...new Set([state, files, outside].filter((path) => path !== undefined && path !== ''))].filter(
    (path): path is string => path !== undefined,
  );
}
