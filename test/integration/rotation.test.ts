/**
 * Rotation in the middle of steady traffic: SVIDs, then the CA. No call may fail, and every edge must show new serials on
 * the wire, PostgreSQL's included; and db-client keeps to know by their chains whom orders come from.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { loadIdentities } from '@countersign/identities';
import type { LogRecord, ProgramName } from '@countersign/local-stack';
import { type OrderLoop, startOrderLoop } from './order-loop.ts';
import { watchOrigins } from './order-origins.ts';
import { type SystemAnywhere, startTestSystemAnywhere } from './test-system.ts';

const identities = loadIdentities();
const idOf = (name: string) => identities.workload(name).spiffeId;
const origins = watchOrigins();
let system: SystemAnywhere;
/** db-client's latest verified connection to PostgreSQL. */
let postgresConnection: LogRecord | undefined;

before(async () => {
  // Half-lives of 15 s: the clients' retire windows (10% of the remaining life) pass within the test.
  system = await startTestSystemAnywhere({
    svidTtlMs: 30_000,
    // Each verified connection is a debug line: PostgreSQL's serials are seen in no other way.
    env: { ...process.env, LOG_LEVEL: 'debug' },
    onRecord(program, record) {
      origins.onRecord(program, record);
      const isPostgres = record['event'] === 'verified' && record['transport'] === 'postgres';
      if (program === 'db-client' && isPostgres) postgresConnection = record;
    },
  });
});

after(() => system?.stop());

/** An edge: the service called, who calls, by what. The log line of the service called names both serials. */
const EDGES: ReadonlyArray<{ service: ProgramName; peer: string; transport: string }> = [
  { service: 'backend', peer: 'customer', transport: 'https' },
  { service: 'backend', peer: 'customer', transport: 'grpc' },
  { service: 'db-client', peer: 'backend', transport: 'grpc' },
];

interface Serials {
  readonly server: string;
  readonly client: string;
}

function requestOn({ peer, transport }: (typeof EDGES)[number]): (record: LogRecord) => boolean {
  return (record) =>
    record['event'] === 'request' && record['peer'] === idOf(peer) && record['transport'] === transport;
}

/** Serials by edge, PostgreSQL's among them; the latest that were on the wire. */
function serialsOnTheWire(): Map<string, Serials> {
  const found = new Map<string, Serials>();
  for (const edge of EDGES) {
    const record = system.findLogs(edge.service, requestOn(edge)).at(-1);
    assert.ok(record, `no request on ${edge.peer} -> ${edge.service} by ${edge.transport}`);
    const key = `${edge.peer} -> ${edge.service} by ${edge.transport}`;
    found.set(key, { server: String(record['self_serial']), client: String(record['peer_serial']) });
  }
  assert.ok(postgresConnection, 'no connection to PostgreSQL was logged');
  const { peer_serial: server, self_serial: client } = postgresConnection;
  found.set('db-client -> postgres', { server: String(server), client: String(client) });
  return found;
}

/** Rotates, and waits until every edge shows serials that are in none of the earlier states, and `done` holds. */
async function rotateUnderLoad(rotate: () => Promise<unknown>, done: () => Promise<boolean>): Promise<void> {
  const before = serialsOnTheWire();
  const loop = startOrderLoop(system.customerUrl);
  try {
    await loop.completed(10);
    await rotate();
    await untilReplaced(before, loop);
    while (!(await done())) await loop.completed(10);
    await loop.completed(20);
  } finally {
    await loop.stop();
  }
  assert.deepEqual(loop.failures, [], 'no call may fail');
  assert.ok(loop.succeeded.http > 10 && loop.succeeded.grpc > 10, JSON.stringify(loop.succeeded));
}

async function untilReplaced(before: ReadonlyMap<string, Serials>, loop: OrderLoop): Promise<void> {
  const deadline = Date.now() + 45_000;
  for (;;) {
    await loop.completed(20);
    const old = [...serialsOnTheWire()].filter(([edge, serials]) => sharesSerial(serials, before.get(edge)));
    if (old.length === 0) return;
    assert.ok(Date.now() < deadline, `still on the old serials: ${old.map(([edge]) => edge).join(', ')}`);
  }
}

function sharesSerial(now: Serials, before: Serials | undefined): boolean {
  return now.server === before?.server || now.client === before?.client;
}

test('SVIDs of every workload are rotated under load', async () => {
  const warmUp = startOrderLoop(system.customerUrl);
  await warmUp.completed(4);
  await warmUp.stop();
  await rotateUnderLoad(
    () => system.control.rotate(),
    () => Promise.resolve(true),
  );
});

test('the CA is rotated under load: published, signing, and the old one dropped', async () => {
  const [old] = await system.control.roots();
  assert.ok(old);
  await rotateUnderLoad(
    () => system.control.rotateCa(),
    async () => (await system.control.roots()).length === 1,
  );
  const left = await system.control.roots();
  assert.equal(left.length, 1);
  assert.ok(!left.includes(old));
  origins.assertFromCustomer(40);
});
