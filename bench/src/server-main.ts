/** A server process: one variant, started by command. */
import { once } from 'node:events';
import type { Server } from 'node:https';
import type { Credentials } from './credentials.ts';
import { listenBareGrpc, listenCountersignGrpc } from './grpc-server.ts';
import { createBareHttpsServer, createCountersignHttpsServer } from './https-server.ts';
import { cpuSeconds } from './load.ts';
import type { Variant } from './plan.ts';
import { loadTimedPolicy, type TimedPolicy } from './policy.ts';
import { type StepFigures, summarizeStep } from './step-figures.ts';
import { serveCommands } from './worker.ts';

/** What the process can be asked for. */
export type ServerCommands = typeof commands;

interface StartRequest {
  readonly variant: Variant;
  readonly credentials: Credentials;
}

const commands = {
  /** Starts to listen on a free port of loopback and gives it. */
  start,
  /** CPU time used so far. */
  cpuSeconds: (): number => cpuSeconds(),
  /** How long decisions have taken; nothing where there is no policy. */
  decisions: (name: string): StepFigures | undefined =>
    policy === undefined || policy.timesUs.length === 0
      ? undefined
      : summarizeStep(`policy decision, within ${name}`, policy.timesUs),
};

let policy: TimedPolicy | undefined;

serveCommands(commands);

async function start({ variant, credentials }: StartRequest): Promise<number> {
  const guarded = variant.kind === 'countersign';
  if (variant.kind !== 'bare') policy = await loadTimedPolicy();
  if (variant.transport === 'grpc') {
    return policy === undefined ? listenBareGrpc(credentials) : listenCountersignGrpc(credentials, policy, guarded);
  }
  const server =
    policy === undefined
      ? createBareHttpsServer(credentials, variant.resumption)
      : createCountersignHttpsServer(credentials, policy, guarded);
  return listen(server);
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('bench: a TCP address was expected');
  return address.port;
}
