/**
 * Starts {@link file://./echo-main.ts} beside the system, as a workload of its own with grants of its own.
 */
import { fork } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { LogRecord } from '@countersign/local-stack';
import { extract, pack } from 'tar-stream';
import { WAYS } from './table.ts';

/** How it is started. */
export interface EchoOptions {
  /** Workload API address of the workload that it is. */
  readonly endpoint: string;
  /** SPIFFE IDs: of itself, and of those that may call it at all. */
  readonly self: string;
  idOf(workload: string): string;
  /** Where its policy bundle is written. */
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
export async function startEcho(options: EchoOptions): Promise<Echo> {
  writeFileSync(options.bundlePath, await bundleWith(grantsOf(options)));
  const child = fork(fileURLToPath(new URL('./echo-main.ts', import.meta.url)), {
    execArgv: [],
    env: {
      ...options.env,
      COUNTERSIGN_DEVELOPMENT: '1',
      LOG_LEVEL: 'debug',
      SPIFFE_ENDPOINT_SOCKET: options.endpoint,
      POLICY_BUNDLE: options.bundlePath,
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
      options.onRecord(record);
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

/** As the table says. The auditor has a grant for something else, so that it passes the handshake. */
function grantsOf({ self, idOf }: EchoOptions): object {
  const ways = WAYS.filter(({ server }) => server === 'echo');
  const granted = (workload: string) =>
    ways.filter(({ granted }) => granted.includes(workload)).map(({ operation }) => [operation, {}]);
  return {
    [self]: {
      [idOf('customer')]: Object.fromEntries(granted('customer')),
      [idOf('auditor')]: { ...Object.fromEntries(granted('auditor')), '/test.Echo/Nothing': {} },
    },
  };
}

/** The committed rules with other grants. */
async function bundleWith(grants: object): Promise<Buffer> {
  const committed = fileURLToPath(import.meta.resolve('@countersign/policies/bundle.tar.gz'));
  const reader = extract();
  reader.end(gunzipSync(readFileSync(committed)));
  const writer = pack();
  for await (const entry of reader) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of entry) if (chunk instanceof Uint8Array) chunks.push(chunk);
    const isData = entry.header.name.endsWith('data.json');
    const content = isData ? Buffer.from(JSON.stringify({ grants })) : Buffer.concat(chunks);
    writer.entry({ name: entry.header.name }, content);
  }
  writer.finalize();
  const tar: Uint8Array[] = [];
  for await (const chunk of writer) if (chunk instanceof Uint8Array) tar.push(chunk);
  return gzipSync(Buffer.concat(tar));
}
