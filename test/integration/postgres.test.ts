/**
 * PostgreSQL believes X.509-SVIDs alone: who may log in as what, what each role may do, and that nothing is sent to a
 * server that is not the named one.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { loadIdentities } from '@countersign/identities';
import {
  authorizeId,
  createSpiffePgPool,
  createWorkloadApiX509Source,
  SpiffeId,
  SpiffeTlsError,
} from '@countersign/spiffe-tls';
import pg from 'pg';
import { call } from './json-client.ts';
import { type SystemAnywhere, startTestSystemAnywhere } from './test-system.ts';

const identities = loadIdentities();
const INSERT =
  "INSERT INTO public.orders (item, quantity, customer, created_by) VALUES ('tea', 1, 'Mallory', 'nobody')";
let system: SystemAnywhere;

before(async () => {
  system = await startTestSystemAnywhere();
  const body = { item: 'audited tea', quantity: 1, customer: 'Ada', via: 'grpc' };
  assert.equal((await call(`${system.customerUrl}/api/orders`, { body })).status, 201);
});

after(() => system?.stop());

/** Runs one statement as a workload, with its own SVID, under a role it asks for. */
async function queryAs(workload: string, user: string, text: string, serverId = 'postgres'): Promise<pg.QueryResult> {
  const source = createWorkloadApiX509Source({ endpoint: await system.socketAs(workload) });
  await source.ready();
  const { host, port, database } = system.postgres;
  const pool = createSpiffePgPool({
    source,
    authorize: authorizeId(SpiffeId.parse(identities.workload(serverId).spiffeId)),
    Pool: pg.Pool,
    pool: { host, port, database, user, connectionTimeoutMillis: 5_000 },
  });
  try {
    return await pool.query(text);
  } finally {
    await pool.end();
    source.close();
  }
}

function hasCode(code: string) {
  return (error: unknown) => error instanceof Error && 'code' in error && error.code === code;
}

/** SQLSTATE invalid_authorization_specification. */
const LOGIN_REFUSED = '28000';
/** SQLSTATE insufficient_privilege. */
const NO_PRIVILEGE = '42501';

describe('the read-only role', () => {
  test('reads orders, without the customer', async () => {
    const { rows, fields } = await queryAs('auditor', 'orders_ro', 'SELECT * FROM orders');
    assert.ok(rows.length > 0);
    assert.ok(!fields.some(({ name }) => name === 'customer'));
  });

  const refused: Array<[string, string]> = [
    ['an INSERT', INSERT],
    ['an UPDATE', 'UPDATE public.orders SET quantity = 2'],
    ['a DELETE', 'DELETE FROM public.orders'],
    ["the customer's name", 'SELECT customer FROM public.orders'],
    ['the idempotency keys', 'SELECT * FROM public.idempotency_keys'],
    ['a table of its own', 'CREATE TABLE orders_ro.loot (x int)'],
    ['reading a file of the server', "COPY orders_ro.orders TO PROGRAM 'true'"],
  ];
  for (const [name, text] of refused) {
    test(`is refused ${name} by PostgreSQL itself`, async () => {
      await assert.rejects(queryAs('auditor', 'orders_ro', text), hasCode(NO_PRIVILEGE));
    });
  }
});

test('the read-write role may not change the schema or delete', async () => {
  await assert.rejects(queryAs('db-client', 'orders_rw', 'DROP TABLE public.orders'), hasCode(NO_PRIVILEGE));
  await assert.rejects(queryAs('db-client', 'orders_rw', 'DELETE FROM public.orders'), hasCode(NO_PRIVILEGE));
});

describe('login', () => {
  const roles = ['orders_owner', 'orders_rw', 'orders_ro', 'postgres'];
  for (const workload of ['rogue', 'customer', 'backend']) {
    test(`${workload} can log in as nobody`, async () => {
      for (const role of roles) {
        await assert.rejects(queryAs(workload, role, 'SELECT 1'), hasCode(LOGIN_REFUSED), role);
      }
    });
  }

  test('a workload with a role can log in as no other', async () => {
    await assert.rejects(queryAs('auditor', 'orders_rw', 'SELECT 1'), hasCode(LOGIN_REFUSED));
    await assert.rejects(queryAs('db-client', 'orders_owner', 'SELECT 1'), hasCode(LOGIN_REFUSED));
    await assert.rejects(queryAs('db-client', 'orders_ro', 'SELECT 1'), hasCode(LOGIN_REFUSED));
  });

  const plain: Array<[string, pg.ClientConfig]> = [
    ['without a certificate', { ssl: { rejectUnauthorized: false } }],
    ['in plain text', { ssl: false }],
    ['with a password', { ssl: { rejectUnauthorized: false }, password: 'guess' }],
  ];
  for (const [name, config] of plain) {
    test(`${name} is refused`, async () => {
      const client = new pg.Client({ ...system.postgres, user: 'orders_rw', ...config });
      await assert.rejects(client.connect(), hasCode(LOGIN_REFUSED));
      await client.end().catch(() => {});
    });
  }
});

test('the client sends nothing to a server with another SPIFFE ID', async () => {
  await assert.rejects(queryAs('db-client', 'orders_rw', 'SELECT 1', 'backend'), (error: unknown) => {
    assert.ok(error instanceof SpiffeTlsError, String(error));
    assert.equal(error.code, 'PEER_NOT_AUTHORIZED');
    assert.match(error.message, /backend/);
    assert.match(error.message, /postgres/);
    return true;
  });
});
