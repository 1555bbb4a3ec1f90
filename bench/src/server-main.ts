/** A server process: one variant, started by command. */
import type { Credentials } from './credentials.ts';
import { listenBareGrpc, listenOurGrpc } from './grpc-server.ts';
import { createBareHttpsServer, createOurHttpsServer } from './https-server.ts';
import { listen } from './listen.ts';
import { cpuSeconds } from './load.ts';
import { createOurServer } from './our-server.ts';
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
  /** What the process occupies now; nothing where that can't be told. */
  residentBytes: (): number | null => process.memoryUsage.rss(),
  /** How long decisions have taken; nothing where there is no policy. */
  decisions: (name: string): StepFigures | undefined =>
    policy === undefined || policy.timesUs.length === 0
      ? undefined
      : summarizeStep(`policy decision, within ${name}`, policy.timesUs),
};

let policy: TimedPolicy | undefined;

serveCommands(commands);

async function start({ variant, credentials }: StartRequest): Promise<number> {
  const { server, transport, resumption } = variant;
  if (server === 'bare')
    return transport === 'grpc' ? listenBareGrpc(credentials) : listen(createBareHttpsServer(credentials, resumption));
  policy = await loadTimedPolicy();
  const ours = await createOurServer(credentials, server, policy);
  return transport === 'grpc' ? listenOurGrpc(credentials, ours) : listen(createOurHttpsServer(credentials, ours));
}
