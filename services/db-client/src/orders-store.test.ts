import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createWorkloadApiX509Source, SpiffeId, type WorkloadApiX509Source } from '@countersign/spiffe-tls';
import { createLogger } from '@countersign/telemetry';
import {
  openGround,
  type PostgresGround,
  type RunningPostgres,
  startPostgres,
} from '../../../packages/local-stack/src/postgres/postgres.fixture.ts';
import { type Database, openDatabase } from './database.ts';
import { migrate } from './migrations.ts';
import { startOrderFeed } from './order-feed.ts';
import { createOrdersStore, type NewOrder, type OrdersStore } from './orders-store.ts';
import { toGrpcStatus } from './to-grpc-status.ts';

// A real PostgreSQL, real SVIDs, and the migrations as db-migrate runs them.
let ground: PostgresGround;
let postgres: RunningPostgres;
let database: Database;
let auditorDatabase: Database;
let store: OrdersStore;
const sources: WorkloadApiX509Source[] = [];
const databases: Database[] = [];
const logger = createLogger({ service: 'test', level: 'silent' });

async function open(workload: string, user: string): Promise<Database> {
  const source = createWorkloadApiX509Source({ endpoint: ground.trustDomain.socketOf(workload) });
  sources.push(source);
  await source.ready();
  const opened = openDatabase({
    source,
    address: { host: '127.0.0.1', port: postgres.port },
    serverId: SpiffeId.parse(ground.identities.workload('postgres').spiffeId),
    database: 'orders',
    user,
  });
  databases.push(opened);
  return opened;
}

before(async () => {
  ground = await openGround();
  postgres = await startPostgres(ground);
  const owner = await open('db-migrate', 'orders_owner');
  // Two at once, as two replicas' jobs would: one runs them, the other waits and finds nothing to do.
  const done = await Promise.all([migrate(owner, logger), migrate(owner, logger)]);
  assert.deepEqual(done.flat(), ['0001_orders']);
  database = await open('db-client', 'orders_rw');
  auditorDatabase = await open('auditor', 'orders_ro');
  store = createOrdersStore(database);
});
after(async () => {
  for (const opened of databases) await opened.close();
  for (const source of sources) source.close();
  await postgres.stop();
  await ground[Symbol.asyncDispose]();
});

let keys = 0;
const newOrder = (rest: Partial<NewOrder> = {}): NewOrder => ({
  item: 'tea',
  quantity: 2,
  customer: 'Ada',
  createdBy: 'spiffe://example.org/backend',
  idempotencyKey: '',
  ...rest,
});
const freshKey = () => {
  keys += 1;
  return `key-${keys}`;
};

async function place(order: NewOrder) {
  const placement = await store.place(order);
  assert.equal(placement.type, 'placed');
  assert.ok('order' in placement);
  return placement.order;
}

/** SQLSTATE of what the promise rejects with. */
async function sqlState(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return error instanceof Error && 'code' in error ? String(error.code) : `no error: ${String(error)}`;
}

describe('an order', () => {
  test('is kept as it was placed, with an ID, a time and who placed it', async () => {
    const order = await place(newOrder({ item: 'tëa 🍵; DROP TABLE orders; --' }));
    assert.match(order.id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-/);
    assert.deepEqual(await store.find(order.id), order);
    const { item, quantity, customer, status, created_by } = order;
    assert.deepEqual(
      { item, quantity, customer, status, created_by },
      {
        item: 'tëa 🍵; DROP TABLE orders; --',
        quantity: 2,
        customer: 'Ada',
        status: 'placed',
        created_by: 'spiffe://example.org/backend',
      },
    );
    assert.ok(Math.abs(order.created_at.getTime() - Date.now()) < 60_000);
  });
  test('that does not exist is not found', async () => {
    assert.equal(await store.find('00000000-0000-7000-8000-000000000000'), undefined);
  });
  test('pages are newest first, and do not overlap', async () => {
    for (let n = 0; n < 5; n += 1) await place(newOrder());
    const first = await store.list(3);
    const second = await store.list(3, first.at(-1)?.place);
    const places = [...first, ...second].map(({ place: at }) => Number(at));
    assert.deepEqual(
      places,
      [...places].sort((a, b) => b - a),
    );
    assert.equal(new Set(places).size, 6);
  });
});

describe('an idempotency key', () => {
  test('gives the same order again for the same body', async () => {
    const order = newOrder({ idempotencyKey: freshKey() });
    const first = await place(order);
    assert.deepEqual((await store.place(order)).type, 'replayed');
    const again = await store.place(order);
    assert.ok('order' in again);
    assert.equal(again.order.id, first.id);
  });
  for (const [what, change] of [
    ['item', { item: 'coffee' }],
    ['quantity', { quantity: 3 }],
    ['customer', { customer: 'Eve' }],
  ] as const) {
    test(`is refused for another ${what}, and nothing is written`, async () => {
      const order = newOrder({ idempotencyKey: freshKey() });
      await place(order);
      const before = await store.latestPlace();
      assert.deepEqual(await store.place({ ...order, ...change }), { type: 'key-reused' });
      assert.equal(await store.latestPlace(), before);
    });
  }
  test('of another caller is another key', async () => {
    const order = newOrder({ idempotencyKey: freshKey() });
    const first = await place(order);
    const second = await place({ ...order, createdBy: 'spiffe://example.org/other' });
    assert.notEqual(second.id, first.id);
  });
  test('places one order when many calls come at once', async () => {
    const order = newOrder({ idempotencyKey: freshKey() });
    const placements = await Promise.all(Array.from({ length: 20 }, () => store.place(order)));
    const types = placements.map(({ type }) => type).sort();
    assert.deepEqual(types, ['placed', ...Array.from({ length: 19 }, () => 'replayed')]);
    const ids = placements.map((placement) => ('order' in placement ? placement.order.id : ''));
    assert.equal(new Set(ids).size, 1);
  });
  test('is not used up by an order that could not be written', async () => {
    const order = newOrder({ idempotencyKey: freshKey() });
    assert.equal(await sqlState(store.place({ ...order, quantity: 0 })), '23514');
    await place(order);
  });
});

describe('the feed', () => {
  test('says so when another connection places an order', async () => {
    const connected = Promise.withResolvers<void>();
    const feed = startOrderFeed(database, {
      logger,
      onState: (problem) => problem === undefined && connected.resolve(),
    });
    await connected.promise;
    const version = feed.version();
    const changed = feed.changed(version, new AbortController().signal);
    await place(newOrder());
    await changed;
    assert.ok(feed.version() > version);
    feed.close();
  });

  test('comes back after its connection was cut, and wakes everybody once, as orders may have been missed', async () => {
    const states: Array<string | undefined> = [];
    const waiting: Array<() => void> = [];
    const feed = startOrderFeed(database, {
      logger,
      backoffMs: { first: 1, longest: 5 },
      onState: (problem) => {
        states.push(problem);
        if (problem === undefined) waiting.shift()?.();
      },
    });
    await new Promise<void>((resolve) => waiting.push(resolve));
    const back = new Promise<void>((resolve) => waiting.push(resolve));
    const changed = feed.changed(feed.version(), new AbortController().signal);
    await database.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = 'LISTEN orders' AND pid <> pg_backend_pid()`,
    );
    await Promise.all([back, changed]);
    assert.equal(states.at(-1), undefined);
    assert.match(String(states.at(-2)), /terminat|ended|closed/i);
    feed.close();
  });

  test('a connection that PostgreSQL ends in the middle of a transaction fails that transaction, and nothing else', async () => {
    const ended = database.transaction(async (query) => {
      const [own] = await query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
      await database.query('SELECT pg_terminate_backend($1, 5000)', [own?.pid]);
      await query('SELECT 1');
    });
    await assert.rejects(ended, /terminat|ended|closed|not queryable/i);
    assert.deepEqual(await database.query('SELECT 1 AS one'), [{ one: 1 }]);
  });

  test('an order never overtakes one that was begun before it and is not committed yet', async () => {
    let overtook = false;
    let second: Promise<unknown> = Promise.resolve();
    const waits = `SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted`;
    await database.transaction(async (query) => {
      await query(`INSERT INTO public.orders (item, quantity, customer, created_by) VALUES ('first', 1, 'Ada', 'x')`);
      second = place(newOrder({ item: 'second' })).then(() => {
        overtook = true;
      });
      while (!overtook && (await database.query(waits)).length === 0);
      assert.equal(overtook, false);
    });
    await second;
    const newest = await store.list(2);
    assert.deepEqual(
      newest.map(({ item }) => item),
      ['second', 'first'],
    );
  });

  test('shows every order once to a reader that resumes by place, however many are written at once', async () => {
    let place_ = await store.latestPlace();
    const seen: string[] = [];
    const writing = Promise.all(Array.from({ length: 60 }, () => place(newOrder({ idempotencyKey: freshKey() }))));
    let done = false;
    void writing.then(() => {
      done = true;
    });
    for (;;) {
      const finished = done;
      const page = await store.listAfter(place_, 7);
      seen.push(...page.map(({ id }) => id));
      place_ = page.at(-1)?.place ?? place_;
      if (finished && page.length === 0) break;
    }
    const written = (await writing).map(({ id }) => id);
    assert.deepEqual([...seen].sort(), [...written].sort());
  });
});

describe('what PostgreSQL itself refuses', () => {
  const INSERT = `INSERT INTO orders (item, quantity, created_by) VALUES ('x', 1, 'z')`;
  test('the auditor sees orders without the customer', async () => {
    const order = await place(newOrder());
    const seen = await createOrdersStore(auditorDatabase).find(order.id);
    const { customer: _hidden, ...rest } = order;
    assert.deepEqual(seen, rest);
  });
  const refused: Array<[string, () => Database, string, string]> = [
    ['the auditor writing', () => auditorDatabase, INSERT, '42501'],
    ['the auditor writing past the view', () => auditorDatabase, INSERT.replace('orders', 'public.orders'), '42501'],
    ['the auditor reading past the view', () => auditorDatabase, 'SELECT customer FROM public.orders', '42501'],
    ['the auditor reading keys', () => auditorDatabase, 'SELECT * FROM public.idempotency_keys', '42501'],
    ['the auditor making a table', () => auditorDatabase, 'CREATE TABLE orders_ro.x (a int)', '42501'],
    ['db-client changing an order', () => database, `UPDATE orders SET customer = 'Eve'`, '42501'],
    ['db-client deleting orders', () => database, 'DELETE FROM orders', '42501'],
    ['db-client making a table', () => database, 'CREATE TABLE public.x (a int)', '42501'],
    ['db-client making a temporary table', () => database, 'CREATE TEMP TABLE x (a int)', '42501'],
    ['db-client becoming the owner', () => database, 'SET ROLE orders_owner', '42501'],
    ['db-client dropping the table', () => database, 'DROP TABLE orders', '42501'],
  ];
  for (const [name, whose, text, state] of refused) {
    test(name, async () => assert.equal(await sqlState(whose().query(text)), state));
  }
  for (const idempotencyKey of ['', 'auditor-key']) {
    test(`the auditor placing an order as db-client would, key ${JSON.stringify(idempotencyKey)}`, async () => {
      const placing = createOrdersStore(auditorDatabase).place(newOrder({ idempotencyKey }));
      assert.equal(await sqlState(placing), '42501');
    });
  }
  test('an identity under a role that is not its own', async () => {
    const wrong = await open('auditor', 'orders_rw');
    assert.equal(await sqlState(wrong.query('SELECT 1')), '28000');
  });
  test('is told to a caller by code alone, without values', async () => {
    const error = await auditorDatabase.query(INSERT).catch((reason: unknown) => reason);
    const status = toGrpcStatus(error, logger);
    assert.deepEqual([status.code, status.details], [7, 'the database role may not do this']);
  });
});
