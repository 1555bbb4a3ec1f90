/**
 * Attacks on a system that somebody runs, one at a time: nothing is left of one but the records that the servers write.
 */
import { join } from 'node:path';
import { loadIdentities } from '@countersign/identities';
import {
  findRunningSystem,
  followFile,
  type LogRecord,
  openWorkloadSocket,
  rootOf,
  type SystemFile,
  type TrustRoot,
} from '@countersign/local-stack';
import type { AttackDescription, AttackResult } from '@countersign/local-stack/control';
import { call } from '../integration/json-client.ts';
import { belowRoot, type RealIssuer, readRoot } from './ca-key.ts';
import { createCredentials } from './credentials.ts';
import { labCells } from './lab-cells.ts';
import { resultOf } from './lab-result.ts';
import { readSources } from './places.ts';
import { createRecords, type Records } from './records.ts';
import { NOT_TRIED, runCell } from './run.ts';
import { placeOrder, systemAddress, type World } from './world.ts';

/** An open lab. */
export interface Lab extends AsyncDisposable {
  list(): AttackDescription[];
  /** Rejects only when it can't be tried. */
  run(id: string): Promise<AttackResult>;
}

/** Opens it, on the system that runs in a state directory. Nothing is asked of the system before the first attack. */
export function openLab(stateDirectory: string): Lab {
  const cells = new Map(labCells().map((each) => [each.description.id, each]));
  const stack = new AsyncDisposableStack();
  const sockets = new Map<string, Promise<string>>();
  const open = async (system: SystemFile, workload: string) =>
    stack.use(await openWorkloadSocket(system, workload)).endpoint;
  const socketAs = (system: SystemFile) => (workload: string) => {
    const socket = sockets.get(workload) ?? open(system, workload);
    sockets.set(workload, socket);
    // One that could not be opened is tried again.
    socket.catch(() => sockets.delete(workload));
    return socket;
  };
  let sources: ReturnType<typeof readSources> | undefined;
  let orderId: string | undefined;
  return {
    list: () => [...cells.values()].map(({ description }) => description),
    async run(id) {
      const found = cells.get(id);
      if (found === undefined) throw new TypeError(`there is no attack ${JSON.stringify(id.slice(0, 80))}`);
      const system = findRunningSystem(stateDirectory);
      orderId ??= await findOrder(system);
      sources ??= readSources();
      const records = createRecords();
      using _following = followLogs(system, records);
      const issuer = await issuerOf(rootOf(stateDirectory, system));
      const world = createLabWorld({ system, records, orderId, issuer, socketAs: socketAs(system) });
      const verdict = await runCell(world, found.cell);
      if (verdict.seen.wire.startsWith(NOT_TRIED)) {
        // Whatever gave identities may be gone: it is asked for anew.
        sockets.clear();
        throw new Error(verdict.seen.wire);
      }
      return resultOf(id, verdict, sources);
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** As the CA is now: it may have been replaced. */
async function issuerOf(root: TrustRoot): Promise<RealIssuer> {
  const issuer = await readRoot(root);
  return root.signsSvids ? issuer : belowRoot(issuer, `spiffe://${loadIdentities().trustDomain}`);
}

/** One that is there; one that is placed only where there is none. */
async function findOrder(system: SystemFile): Promise<string> {
  const { status, text } = await call(`${system.customerUrl}/api/orders?via=grpc`);
  if (status !== 200) throw new Error(`an order to ask for is needed, and the customer answers HTTP ${status}`);
  return /"id":"([0-9a-f-]{36})"/.exec(text)?.[1] ?? placeOrder(system);
}

interface LabGround {
  readonly system: SystemFile;
  readonly records: Records;
  readonly orderId: string;
  readonly issuer: RealIssuer;
  socketAs(workload: string): Promise<string>;
}

/** Made for each attack: SVIDs are renewed meanwhile. */
function createLabWorld({ system, records, orderId, issuer, socketAs }: LabGround): World {
  const { workload } = loadIdentities();
  return {
    records,
    credentials: createCredentials({ workload, socketAs, issuer }),
    database: system.database,
    orderId,
    issuer,
    idOf: (name) => workload(name).spiffeId,
    dnsNameOf: (name) => workload(name).dnsName,
    serverId: ({ server }) => workload(server).spiffeId,
    addressOf: (way) => systemAddress(way, system.addresses),
  };
}

const PROGRAMS = ['backend', 'db-client', 'postgres'] as const;

function followLogs({ logs }: SystemFile, records: Records): Disposable {
  const followed = PROGRAMS.map((program) =>
    followFile({
      path: join(logs, `${program}.log`),
      fromEnd: true,
      onLine: (line) => {
        const record = parse(line);
        if (record !== undefined) records.add(program, record);
      },
    }),
  );
  return {
    [Symbol.dispose]() {
      for (const file of followed) file.close();
    },
  };
}

/** A line that is no record proves nothing. */
function parse(line: string): LogRecord | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : undefined;
  } catch {
    return undefined;
  }
}
