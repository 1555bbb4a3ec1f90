/**
 * What experiments work with: a whole system of their own, a relay on each way from customer to backend, a receiver of its
 * telemetry, a policy whose grants can change, and the operator's side of its trust domain.
 */
import { fileURLToPath } from 'node:url';
import {
  findRunningSystem,
  type IdentityControl,
  type LogRecord,
  openWorkloadSocket,
  type ProgramName,
  type RunningSystem,
  type SpireOptions,
  type SystemOptions,
  startSpireSystem,
  startSystem,
} from '@countersign/local-stack';
import { createWorkloadApiX509Source, type X509Source } from '@countersign/spiffe-tls';
import { type OtlpReceiver, startOtlpReceiver } from '../integration/otlp-receiver.ts';
import type { Target } from './calls.ts';
import { createPolicyFile, type Operations } from './policy-file.ts';
import { type Relay, startRelay } from './relay.ts';
import type { Trust } from './trust.ts';

/** How much is done. */
export interface Effort {
  /** Rotations of every SVID under load. */
  readonly rotations: number;
  /** How long the load lasts at least. */
  readonly seconds: number;
}

/** How to set one up. */
export interface LabOptions {
  readonly stateDirectory: string;
  /** SPIRE's programs; the development trust domain without. */
  readonly spire: SpireOptions | undefined;
  readonly env: NodeJS.ProcessEnv;
  readonly effort: Effort;
  /** Ends a start that is under way. */
  readonly signal?: AbortSignal;
}

/** A running system and everything around it. */
export interface Lab extends AsyncDisposable {
  readonly system: RunningSystem;
  readonly control: IdentityControl;
  readonly trust: Trust;
  readonly effort: Effort;
  readonly telemetry: OtlpReceiver;
  /** Between customer and backend, by HTTPS and by gRPC: where an attacker on the wire sits. */
  readonly relays: { readonly https: Relay; readonly grpc: Relay };
  /** Where attacks go. The system's own addresses; a test of this program puts something weaker here. */
  readonly targets: { readonly backendHttps: Target; readonly backendGrpc: Target; readonly dbClient: Target };
  /** SPIFFE ID of a workload. */
  idOf(workload: string): string;
  /** Workload API address at which this process is that workload. */
  socketAs(workload: string): Promise<string>;
  /** The identity of a workload, in this process. Lives as long as the lab. */
  sourceAs(workload: string): Promise<X509Source>;
  /** Changes the grants of one caller, and resolves when the services decide by them. */
  grant(service: string, caller: string, operations: Operations | undefined): Promise<void>;
  /** Calls back with each record of each program from now on, until the function that it gives is called. */
  onRecord(listener: (program: ProgramName, record: LogRecord) => void): () => void;
  /** What a service wrote when it refused the connection from this port. */
  refusalOf(service: ProgramName, port: number | undefined): Promise<LogRecord>;
}

/**
 * Life of an SVID: an old one that was kept is still within its life when its CA is gone, so that it is the CA's leaving
 * which makes it useless.
 */
const SVID_TTL_MS = 120_000;
const COMMITTED_BUNDLE = fileURLToPath(import.meta.resolve('@countersign/policies/bundle.tar.gz'));

/** Starts everything. Nothing is left running when it fails. */
export async function openLab(options: LabOptions): Promise<Lab> {
  await using stack = new AsyncDisposableStack();
  const telemetry = stack.adopt(await startOtlpReceiver(), (it) => it.close());
  const [https, grpc] = [await startRelay(), await startRelay()];
  for (const relay of [https, grpc]) stack.defer(() => relay.close());
  const policy = stack.adopt(await createPolicyFile(COMMITTED_BUNDLE), (it) => it.remove());
  const listeners = new Set<(program: ProgramName, record: LogRecord) => void>();
  const { system, control, trust } = await startOn(options, {
    stateDirectory: options.stateDirectory,
    ports: 'free',
    svidTtlMs: SVID_TTL_MS,
    // Verified connections are debug lines: PostgreSQL's serials are seen in no other way.
    env: { ...options.env, ...telemetry.env, LOG_LEVEL: 'debug', POLICY_BUNDLE: policy.path },
    programEnv: { customer: { BACKEND_URL: `https://${https.address}`, BACKEND_GRPC_ADDRESS: grpc.address } },
    onRecord(program, record) {
      for (const listener of listeners) listener(program, record);
    },
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  stack.defer(() => system.stop());
  https.leadTo(system.addresses.backend.https);
  grpc.leadTo(system.addresses.backend.grpc);
  const backend = system.identities.workload('backend').spiffeId;
  const dbClient = system.identities.workload('db-client').spiffeId;
  const all = stack.move();
  return {
    system,
    control,
    trust,
    effort: options.effort,
    telemetry,
    relays: { https, grpc },
    targets: {
      backendHttps: { address: system.addresses.backend.https, spiffeId: backend },
      backendGrpc: { address: system.addresses.backend.grpc, spiffeId: backend },
      dbClient: { address: system.addresses.dbClient.grpc, spiffeId: dbClient },
    },
    idOf: (workload) => system.identities.workload(workload).spiffeId,
    ...openIdentities(system, all),
    async grant(service, caller, operations) {
      const revision = await policy.grant(service, caller, operations);
      const isThis = (record: LogRecord) => record['event'] === 'policy' && record['revision'] === revision;
      await Promise.all((['backend', 'db-client'] as const).map((name) => system.waitForLog(name, isThis)));
    },
    onRecord(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    refusalOf: (service, port) =>
      system.waitForLog(service, (record) => record['event'] === 'refused' && portOf(record['remote']) === port, 5_000),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

async function startOn(
  { spire }: LabOptions,
  options: SystemOptions,
): Promise<{ system: RunningSystem; control: IdentityControl; trust: Trust }> {
  if (spire === undefined) {
    const system = await startSystem(options);
    return { system, control: system.control, trust: { provider: 'embedded', ...system.trust } };
  }
  const system = await startSpireSystem({ ...options, spire });
  return { system, control: system.control, trust: { provider: 'spire', ...system.trust } };
}

/** One socket and one source for each workload, opened when somebody first asks. */
function openIdentities(system: RunningSystem, stack: AsyncDisposableStack): Pick<Lab, 'socketAs' | 'sourceAs'> {
  const sockets = new Map<string, Promise<string>>();
  const sources = new Map<string, Promise<X509Source>>();
  const openSocket = async (workload: string) =>
    stack.use(await openWorkloadSocket(findRunningSystem(system.stateDirectory), workload)).endpoint;
  const socketAs = (workload: string) => remember(sockets, workload, openSocket);
  const openSource = async (workload: string) => {
    const source = stack.use(createWorkloadApiX509Source({ endpoint: await socketAs(workload) }));
    await source.ready();
    return source;
  };
  return { socketAs, sourceAs: (workload) => remember(sources, workload, openSource) };
}

function remember<Made>(
  known: Map<string, Promise<Made>>,
  name: string,
  make: (name: string) => Promise<Made>,
): Promise<Made> {
  const made = known.get(name) ?? make(name);
  known.set(name, made);
  return made;
}

/** The port in a log record's address. */
export function portOf(endpoint: unknown): unknown {
  return typeof endpoint === 'object' && endpoint !== null && 'port' in endpoint ? endpoint.port : undefined;
}
