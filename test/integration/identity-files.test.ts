/**
 * The same services on identity files instead of the Workload API (B4), by environment alone: orders by both transports, a
 * renewal on disk that every edge picks up under load, and the rogue refused. PostgreSQL's sidecar stays on its socket.
 */
import assert from 'node:assert/strict';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { loadIdentities } from '@countersign/identities';
import { type LogRecord, type ProgramName, removeStateDirectory, type System } from '@countersign/local-stack';
import { type IdentityVolumes, startIdentityVolumes } from './identity-volumes.ts';
import { call } from './json-client.ts';
import { startOrderLoop } from './order-loop.ts';
import { runProgram } from './run-program.ts';
import { startTestSystem, temporaryStateDirectory } from './test-system.ts';

const identities = loadIdentities();
const ON_FILES = ['customer', 'backend', 'db-client', 'db-migrate'] as const;
const stateDirectory = temporaryStateDirectory();
const files = join(stateDirectory, 'identity-files');
let volumes: IdentityVolumes;
let system: System;
/** db-client's latest verified connection to PostgreSQL. */
let postgresConnection: LogRecord | undefined;

before(async () => {
  mkdirSync(files, { mode: 0o700 });
  const socketOf = (workload: string) => `unix://${join(stateDirectory, 'run', workload, 'api.sock')}`;
  volumes = startIdentityVolumes(files, ON_FILES, { socketOf });
  const env = (workload: string) => ({
    SPIFFE_ENDPOINT_SOCKET: '',
    SPIFFE_SOURCE: 'csi-driver-spiffe',
    SPIFFE_FILES_DIRECTORY: volumes.directoryOf(workload),
  });
  system = await startTestSystem({
    stateDirectory,
    // The retire windows of the clients (10% of the remaining life) pass within the test.
    svidTtlMs: 30_000,
    env: { ...process.env, LOG_LEVEL: 'debug' },
    programEnv: Object.fromEntries(ON_FILES.map((name) => [name, env(name)])),
    onRecord(program, record) {
      const isPostgres = record['event'] === 'verified' && record['transport'] === 'postgres';
      if (program === 'db-client' && isPostgres) postgresConnection = record;
    },
  });
});

after(async () => {
  await volumes?.close();
  await system?.stop();
  rmSync(files, { recursive: true, force: true });
  removeStateDirectory(stateDirectory);
});

const EDGES: ReadonlyArray<{ service: ProgramName; peer: (typeof ON_FILES)[number]; transport: string }> = [
  { service: 'backend', peer: 'customer', transport: 'https' },
  { service: 'backend', peer: 'customer', transport: 'grpc' },
  { service: 'db-client', peer: 'backend', transport: 'grpc' },
];

/** What each edge shows now: the serials of both ends, as the service called logs them. */
function serialsByEdge(): Map<string, readonly [server: unknown, client: unknown]> {
  const found = new Map<string, readonly [unknown, unknown]>();
  for (const { service, peer, transport } of EDGES) {
    const { spiffeId } = identities.workload(peer);
    const isOfEdge = (record: LogRecord) =>
      record['event'] === 'request' && record['peer'] === spiffeId && record['transport'] === transport;
    const record = system.findLogs(service, isOfEdge).at(-1);
    assert.ok(record, `no request on ${peer} -> ${service} by ${transport}`);
    assert.ok(volumes.serialsOf(service).includes(String(record['self_serial'])), 'the server is on its files');
    assert.ok(volumes.serialsOf(peer).includes(String(record['peer_serial'])), 'the client is on its files');
    found.set(`${peer} -> ${service} by ${transport}`, [record['self_serial'], record['peer_serial']]);
  }
  assert.ok(postgresConnection, 'no connection to PostgreSQL was logged');
  assert.ok(volumes.serialsOf('db-client').includes(String(postgresConnection['self_serial'])));
  found.set('db-client -> postgres', [postgresConnection['peer_serial'], postgresConnection['self_serial']]);
  return found;
}

test('B4 orders are placed and read by HTTP and by gRPC', async () => {
  for (const via of ['http', 'grpc']) {
    const body = { item: 'tea', quantity: 1, customer: 'Ada', via };
    const placed = await call(`${system.customerUrl}/api/orders`, { body });
    assert.equal(placed.status, 201, placed.text);
    const read = await call(`${system.customerUrl}/api/orders?via=${via}`);
    assert.equal(read.status, 200, read.text);
  }
  const { body } = await call(`${system.customerUrl}/api/identity`);
  assert.ok(volumes.serialsOf('customer').includes(String(body?.['serial'])));
});

test('B4 a renewal on disk shows on every edge, and no call of a loop of orders fails', async () => {
  const loop = startOrderLoop(system.customerUrl);
  try {
    await loop.completed(10);
    const earlier = serialsByEdge();
    await system.trustDomain.rotate();
    const deadline = Date.now() + 60_000;
    for (let old = [...earlier.keys()]; old.length > 0; ) {
      await loop.completed(10);
      const now = serialsByEdge();
      old = [...earlier]
        .filter(([edge, serials]) => serials.some((one) => now.get(edge)?.includes(one)))
        .map(([edge]) => edge);
      assert.ok(Date.now() < deadline, `still on the old serials: ${old.join(', ')}`);
    }
  } finally {
    await loop.stop();
  }
  assert.deepEqual(loop.failures, []);
  assert.ok(loop.succeeded.http > 10 && loop.succeeded.grpc > 10, JSON.stringify(loop.succeeded));
});

test('B4 the rogue is refused by services on files as well', async () => {
  const rogue = 'packages/local-stack/src/rogue/main.ts';
  const { code, stdout, stderr } = await runProgram(rogue, [], { COUNTERSIGN_STATE_DIR: system.stateDirectory });
  assert.equal(code, 0, `${stdout}\n${stderr}`);
  assert.ok(stdout.includes('PEER_NOT_AUTHORIZED'), stdout);
});
