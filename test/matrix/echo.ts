/**
 * Starts {@link file://./echo-main.ts} beside the system, as a workload of its own with grants of its own.
 */
import { fork } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { LogRecord } from '@countersign/local-stack';
import { createPolicyFile, type PolicyFile } from '../prove/policy-file.ts';
import { WAYS } from './table.ts';

/** How it is started. */
export interface EchoOptions {
  /** Workload API address of the workload that it is. */
  readonly endpoint: string;
  /** Whom it runs as; undefined: who runs us. */
  readonly account: { readonly uid: number; readonly gid: number } | undefined;
  /** Its policy bundle. */
  readonly bundlePath: string;
  readonly env: NodeJS.ProcessEnv;
  onRecord(record: LogRecord): void;
}

/** The service that runs. */
export interface Echo {
  readonly address: string;
  stop(): Promise<void>;
}

/** Resolves when it is ready. */
export async function startEcho({ endpoint, account, bundlePath, env, onRecord }: EchoOptions): Promise<Echo> {
  const child = fork(fileURLToPath(new URL('./echo-main.ts', import.meta.url)), {
    ...account,
    execArgv: [],
    env: {
      ...env,
      COUNTERSIGN_DEVELOPMENT: '1',
      LOG_LEVEL: 'debug',
      SPIFFE_ENDPOINT_SOCKET: endpoint,
      POLICY_BUNDLE: bundlePath,
    },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  let address = '';
  const ready = new Promise<void>((resolve, reject) => {
    void exited.then(() => reject(new Error('matrix: the echo service ended before it was ready')));
    if (child.stdout === null) throw new TypeError('matrix: the echo service has no output');
    createInterface({ input: child.stdout }).on('line', (line) => {
      const record = parse(line);
      const { event, addresses } = record;
      if (event === 'listening' && typeof addresses === 'object' && addresses !== null && 'grpc' in addresses)
        address = String(addresses.grpc);
      if (event === 'ready') resolve();
      onRecord(record);
    });
  });
  await ready;
  return {
    address,
    async stop() {
      child.kill('SIGTERM');
      await exited;
    },
  };
}

function parse(line: string): LogRecord {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {};
  } catch {
    return { event: 'output', message: line };
  }
}

const COMMITTED_BUNDLE = fileURLToPath(import.meta.resolve('@countersign/policies/bundle.tar.gz'));

/** The committed rules with grants as the table says. The auditor has one for something else, so that it passes the handshake. */
export async function createEchoPolicy(self: string, idOf: (workload: string) => string): Promise<PolicyFile> {
  const policy = await createPolicyFile(COMMITTED_BUNDLE);
  const granted = (workload: string) =>
    WAYS.filter(({ server, granted }) => server === 'echo' && granted.includes(workload)).map(
      ({ operation }) => [operation, {}] as const,
    );
  await policy.grant(self, idOf('customer'), Object.fromEntries(granted('customer')));
  const others = [...granted('auditor'), ['/test.Echo/Nothing', {}] as const];
  await policy.grant(self, idOf('auditor'), Object.fromEntries(others));
  return policy;
}
