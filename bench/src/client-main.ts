/** A client process: one variant, put under one load after the other by command. */
import type { Caller } from './caller.ts';
import type { Credentials } from './credentials.ts';
import { bareGrpcClients, type ClientFactory, createGrpcCaller } from './grpc-client.ts';
import { createBareAgent, createHttpsCaller } from './https-client.ts';
import { type LoadFigures, runLoad } from './load.ts';
import { createOurClient, type OurClient } from './our-client.ts';
import type { Variant, Workload } from './plan.ts';
import { serveCommands } from './worker.ts';

/** What the process can be asked for. */
export type ClientCommands = typeof commands;

/** A load to get ready for. */
interface OpenRequest {
  readonly variant: Variant;
  readonly workload: Workload;
  readonly credentials: Credentials;
  readonly port: number;
  /** How long to warm up: connections that stay are made, and code is compiled. */
  readonly warmUpMs: number;
}

/** What a load came to, and the kinds of handshake during it. */
interface LoadReport extends LoadFigures {
  readonly handshakes: readonly string[];
}

interface OpenLoad {
  readonly caller: Caller;
  readonly concurrency: number;
}

let current: OpenLoad | undefined;
let grpcClients: ClientFactory | undefined;
let ours: OurClient | undefined;

const commands = {
  /** Gets ready and gives the kinds of handshake seen so far. */
  async open(request: OpenRequest): Promise<string[]> {
    const caller = createCaller(request);
    current = { caller, concurrency: request.workload.concurrency };
    await runLoad(caller.operation, current.concurrency, request.warmUpMs);
    return caller.takeHandshakes();
  },
  /** Runs the load that was opened. */
  async load(durationMs: number): Promise<LoadReport> {
    if (current === undefined) throw new TypeError('bench: "open" comes before "load"');
    const figures = await runLoad(current.caller.operation, current.concurrency, durationMs);
    return { ...figures, handshakes: current.caller.takeHandshakes() };
  },
  close(): void {
    current?.caller.close();
    current = undefined;
  },
};

serveCommands(commands);

function createCaller({ variant, workload, credentials, port }: OpenRequest): Caller {
  const target = { port, selfId: credentials.spiffeId, newConnections: workload.newConnections };
  if (variant.client !== 'bare') ours ??= createOurClient(credentials, variant.client);
  if (variant.transport === 'https') {
    // A new one for each load: a connection that the last one kept would answer in place of a new one.
    const agent = ours?.createAgent() ?? createBareAgent(credentials, variant.resumption);
    return createHttpsCaller(agent, target, ours?.signHeaders);
  }
  grpcClients ??= ours?.grpcClients ?? bareGrpcClients(credentials);
  return createGrpcCaller(grpcClients, target);
}
