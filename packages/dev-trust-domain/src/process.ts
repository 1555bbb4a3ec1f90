/**
 * The trust domain as a process: says when it is ready, stops when it is told to or when its parent has gone.
 */
import { loadConfig } from './config.ts';
import { startDevTrustDomain } from './dev-trust-domain.ts';
import type { TrustDomainEvent } from './options.ts';

/** What the process is run with. */
export interface ProcessContext {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Stops the trust domain. */
  readonly signal: AbortSignal;
  readonly log: (event: TrustDomainEvent) => void;
}

/** Runs until `signal` aborts. Settles when all sockets are gone. */
export async function runTrustDomain({ args, env, signal, log }: ProcessContext): Promise<void> {
  await using trustDomain = await startDevTrustDomain({ ...loadConfig(args, env), log });
  const { workloads, ...status } = await trustDomain.status();
  const sockets = Object.fromEntries(workloads.map(({ name, socket }) => [name, socket]));
  const tcp = workloads.flatMap(({ name, tcp: address }) => (address === undefined ? [] : [[name, address]]));
  const { controlSocket } = trustDomain;
  const { bundleEndpoints } = status;
  log({
    event: 'ready',
    trustDomain: status.trustDomain,
    controlSocket,
    sockets,
    ...(tcp.length === 0 ? {} : { tcp: Object.fromEntries(tcp) }),
    ...(bundleEndpoints.length === 0 ? {} : { bundleEndpoints }),
  });
  await aborted(signal);
  log({ event: 'stopping' });
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
