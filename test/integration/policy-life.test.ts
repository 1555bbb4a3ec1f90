/**
 * Grants edited while the system runs: the next decision, the next handshake and the streams that are open follow, and a
 * broken edit changes nothing.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, cpSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { get } from 'node:https';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { errorInfoOf } from '@countersign/authz';
import { createChainSigner } from '@countersign/caller-chain';
import { OrderServiceClient } from '@countersign/contracts';
import { loadIdentities } from '@countersign/identities';
import { openGrpcConnection, signChainHeaders } from '@countersign/service-kit';
import { authorizeId, createSpiffeHttpsAgent, createWorkloadApiX509Source, SpiffeId } from '@countersign/spiffe-tls';
import { type ServiceError, status } from '@grpc/grpc-js';
import { type SystemAnywhere, startTestSystemAnywhere, temporaryStateDirectory } from './test-system.ts';

const WATCH = '/countersign.orders.v1.OrderService/WatchOrders';
const identities = loadIdentities();
const [backend, dbClient, rogue] = ['backend', 'db-client', 'rogue'].map((name) => identities.workload(name).spiffeId);
const folder = temporaryStateDirectory();
const file = join(folder, 'grants/data.json');
let system: SystemAnywhere;

type Grants = Record<string, Record<string, Record<string, object>>>;

before(async () => {
  cpSync(fileURLToPath(new URL('../../policies/data', import.meta.url)), folder, { recursive: true });
  // On SPIRE each service reads it as a user of its own.
  chmodSync(folder, 0o755);
  letRogueBegin();
  const env = { POLICY_DATA: folder };
  system = await startTestSystemAnywhere({ programEnv: { backend: env, 'db-client': env } });
});

after(() => system?.stop());

/** db-client lets the calls of rogue pass from the start: what is edited is what backend lets it do. */
function letRogueBegin(): void {
  const grants: Record<string, Record<string, Record<string, { origins?: object }>>> = JSON.parse(
    readFileSync(file, 'utf8'),
  );
  const ofBackend = grants[String(dbClient)]?.[String(backend)] ?? {};
  for (const grant of Object.values(ofBackend)) Object.assign(grant.origins ?? {}, { [String(rogue)]: {} });
  replace(JSON.stringify(grants));
}

/** Edits what others may do with backend, and waits until backend says that it took it. */
async function edit(change: (ofBackend: Grants[string]) => void): Promise<void> {
  const grants: Grants = JSON.parse(readFileSync(file, 'utf8'));
  change(grants[String(backend)] ?? {});
  const known = new Set<object>(system.findLogs('backend', isPolicy));
  replace(JSON.stringify(grants));
  await system.waitForLog('backend', (record) => isPolicy(record) && !known.has(record));
}

/** As editors do it. */
function replace(text: string): void {
  writeFileSync(`${file}.tmp`, text);
  renameSync(`${file}.tmp`, file);
}

const isPolicy = (record: Record<string, unknown>): boolean => record['event'] === 'policy';

async function identityOf(workload: string) {
  const source = createWorkloadApiX509Source({ endpoint: await system.socketAs(workload) });
  await source.ready();
  return source;
}

/** What a workload is answered on a new connection: a status, or that there was no connection. */
async function askBackend(workload: string): Promise<number | 'no connection'> {
  const source = await identityOf(workload);
  const serverId = SpiffeId.parse(String(backend));
  const agent = createSpiffeHttpsAgent({ source, authorize: authorizeId(serverId) });
  const headers = await signChainHeaders(createChainSigner({ source }), serverId, 'GET /orders');
  try {
    return await new Promise<number | 'no connection'>((resolve) => {
      const request = get(`https://${system.addresses.backend?.https}/orders`, { agent, headers }, (response) => {
        response.resume();
        response.once('end', () => resolve(response.statusCode ?? 0));
      });
      request.once('error', () => resolve('no connection'));
    });
  } finally {
    agent.destroy();
    source.close();
  }
}

test('a peer that is granted something may connect, and may no longer when it is withdrawn', async () => {
  assert.equal(await askBackend('rogue'), 'no connection');
  await edit((grants) => Object.assign(grants, { [String(rogue)]: { 'GET /orders': {} } }));
  assert.equal(await askBackend('rogue'), 200);
  await edit((grants) => Object.assign(grants, { [String(rogue)]: { 'GET /hello': {} } }));
  assert.equal(await askBackend('rogue'), 403);
  await edit((grants) => void delete grants[String(rogue)]);
  assert.equal(await askBackend('rogue'), 'no connection');
});

test('a broken edit changes nothing, and is reported', async () => {
  const whole = readFileSync(file, 'utf8');
  replace(whole.slice(0, whole.length / 2));
  await system.waitForLog('backend', (record) => isPolicy(record) && record['code'] === 'DATA_INVALID');
  assert.equal(await askBackend('auditor'), 200);
  assert.equal(await askBackend('rogue'), 'no connection');
  replace(whole);
});

test('an open stream ends when its grant is withdrawn', async () => {
  await edit((grants) => Object.assign(grants, { [String(rogue)]: { [WATCH]: {} } }));
  const source = await identityOf('rogue');
  const [host = '', port] = (system.addresses.backend?.grpc ?? '').split(':');
  const serverId = SpiffeId.parse(String(backend));
  const connection = openGrpcConnection({
    source,
    self: () => undefined,
    chainSigner: createChainSigner({ source }),
    address: { host, port: Number(port) },
    serverId,
  });
  try {
    const stream = new OrderServiceClient(...connection.clientArguments).watchOrders({ cursor: '' });
    const failed = once(stream, 'error');
    stream.resume();
    const mine = (record: Record<string, unknown>) =>
      JSON.stringify(record).includes(WATCH) && record['event'] === 'decision';
    await system.waitForLog('db-client', mine);
    await edit((grants) => void delete grants[String(rogue)]);
    const [error]: ServiceError[] = (await failed) as [ServiceError];
    assert.equal(error?.code, status.PERMISSION_DENIED);
    const info = error === undefined ? undefined : errorInfoOf(error);
    assert.equal(info?.reason, 'POLICY_DENIED');
    const again = system.findLogs('backend', (record) => record['decision_id'] === info?.metadata['decision_id']);
    assert.equal(again.length > 0, true, 'the second decision has a record of its own');
  } finally {
    connection.close();
    source.close();
  }
});
