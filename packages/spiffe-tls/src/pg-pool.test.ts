import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import pg from 'pg';
import {
  bundleOf,
  createCa,
  createWorkload,
  idOf,
  ManualClock,
  RefusalLog,
  type TestWorkload,
} from '../test/adapter-fixture.ts';
import { startFakePostgres } from '../test/fake-postgres.ts';
import { authorizeId } from './authorizers.ts';
import { SpiffeTlsError } from './errors.ts';
import { createSpiffePgPool, type SpiffePgPoolOptions } from './pg-pool.ts';

type Options = Partial<SpiffePgPoolOptions<pg.Pool>> & { readonly max?: number };

/** A pool of `client` that is ended when the test ends. */
function createPool(
  t: TestContext,
  client: TestWorkload,
  port: number,
  { max = 4, ...options }: Options = {},
): pg.Pool {
  const pool = createSpiffePgPool({
    source: client.source,
    authorize: authorizeId(idOf('postgres')),
    Pool: pg.Pool,
    pool: { host: '127.0.0.1', port, user: 'orders_rw', database: 'orders', max },
    ...options,
  });
  t.after(() => pool.end());
  return pool;
}

async function serialOf(pool: pg.Pool): Promise<string> {
  const { rows } = await pool.query<{ serial: string }>('select serial');
  return rows[0]?.serial ?? '';
}

test('T29 queries run over a connection to the expected server, which sees the SVID', async (t) => {
  const ca = await createCa();
  const client = await createWorkload(ca, 'client');
  const { port } = await startFakePostgres(t, await ca.issue({ path: '/postgres' }));
  const pool = createPool(t, client, port);
  assert.equal(await serialOf(pool), client.serial());
  assert.ok(pool instanceof pg.Pool);
  assert.deepEqual([pool.totalCount, pool.idleCount, pool.waitingCount], [1, 1, 0]);
});

test('T29 T3 T4 T5 a server that is not the one is refused before a byte of the protocol, with the reason', async (t) => {
  const ca = await createCa();
  const other = await createCa('other.example');
  const stranger = await createCa('stranger.example');
  const impostor = await createCa();
  const client = await createWorkload(ca, 'client', { bundles: [ca.bundle(), other.bundle()] });
  const past = { notBefore: new Date(Date.now() - 7_200_000), notAfter: new Date(Date.now() - 1_000) };
  const forger = await other.intermediate({ trustDomain: 'example.org' });
  const cases = [
    ['wrong ID', await ca.issue({ path: '/rogue' }), 'PEER_NOT_AUTHORIZED'],
    ['another trust domain', await other.issue({ path: '/postgres' }), 'PEER_NOT_AUTHORIZED'],
    ['signed by another trusted trust domain', await forger.issue({ path: '/postgres' }), 'UNTRUSTED_CHAIN'],
    ['no bundle', await stranger.issue({ path: '/postgres' }), 'UNTRUSTED_CHAIN'],
    ['another CA', await impostor.issue({ path: '/postgres' }), 'UNTRUSTED_CHAIN'],
    ['expired', await ca.issue({ path: '/postgres', ...past }), 'EXPIRED'],
  ] as const;
  for (const [name, issued, code] of cases) {
    const log = new RefusalLog();
    const server = await startFakePostgres(t, issued);
    const pool = createPool(t, client, server.port, { onRefused: log.onRefused });
    const closed = server.nextClosed();
    await assert.rejects(serialOf(pool), { name: 'SpiffeTlsError', code }, name);
    await closed;
    const record = await log.next();
    assert.deepEqual([record.role, record.transport, record.code], ['client', 'postgres', code], name);
    assert.equal(record.remote?.port, server.port, name);
    assert.ok(record.expected !== undefined && record.got !== undefined, name);
    assert.equal(server.received(), 0, name);
    await new Promise<void>((resolve) => {
      pool.connect((error) => {
        assert.ok(error instanceof SpiffeTlsError, name);
        resolve();
      });
    });
  }
});

test('T29 NODE_TLS_REJECT_UNAUTHORIZED can not weaken the connection', async (t) => {
  const ca = await createCa();
  const impostor = await createCa();
  const client = await createWorkload(ca, 'client');
  const server = await startFakePostgres(t, await impostor.issue({ path: '/postgres' }));
  const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
  process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
  t.after(() => {
    if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
    else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before;
  });
  await assert.rejects(serialOf(createPool(t, client, server.port)), { code: 'UNTRUSTED_CHAIN' });
  assert.equal(server.received(), 0);
});

test('T29 no query fails across rotations of the SVID and of the CA, and the serial on the wire changes', async (t) => {
  const ca = await createCa();
  const next = await createCa();
  const client = await createWorkload(ca, 'client');
  const server = await startFakePostgres(t, await ca.issue({ path: '/postgres' }));
  const pool = createPool(t, client, server.port, { retireWindow: 0 });
  let running = true;
  let queries = 0;
  const loops = Array.from({ length: 8 }, async () => {
    while (running) {
      await serialOf(pool);
      queries += 1;
    }
  });
  await serialOf(pool);
  const steps: Array<() => void | Promise<void>> = [
    () => client.rotate(),
    () => client.trust(bundleOf(ca, next)),
    async () => server.present(await next.issue({ path: '/postgres' })),
    () => client.rotate({ ca: next }),
    // Connections that were verified by the old CA go; new ones are verified by the new CA.
    () => client.trust(next.bundle()),
  ];
  for (const step of steps) {
    await step();
    while ((await serialOf(pool)) !== client.serial());
  }
  running = false;
  await Promise.all(loops);
  assert.ok(queries > 0);
});

test('T29 a client that is checked out finishes on its connection after the pool was replaced', async (t) => {
  const ca = await createCa();
  const client = await createWorkload(ca, 'client');
  const server = await startFakePostgres(t, await ca.issue({ path: '/postgres' }));
  const pool = createPool(t, client, server.port, { retireWindow: 0 });
  const former = client.serial();
  const held = await pool.connect();
  await client.rotate();
  while ((await serialOf(pool)) === former);
  const { rows } = await held.query<{ serial: string }>('select serial');
  assert.equal(rows[0]?.serial, former);
  const closed = server.nextClosed();
  held.release();
  await closed;
  assert.equal(server.connections(), 1, 'the former connection ends when it is released');
});

test('T29 queries that wait for a connection are answered by the pool that they were given to', async (t) => {
  const ca = await createCa();
  const client = await createWorkload(ca, 'client');
  const server = await startFakePostgres(t, await ca.issue({ path: '/postgres' }));
  const pool = createPool(t, client, server.port, { retireWindow: 0, max: 1 });
  await serialOf(pool);
  const former = client.serial();
  const release = server.hold();
  const waiting = [0, 1, 2].map(() => serialOf(pool));
  const connected = once(server.server, 'secureConnection');
  await client.rotate();
  await connected;
  const pending = serialOf(pool);
  release();
  assert.deepEqual(await Promise.all(waiting), [former, former, former]);
  await pending;
  while ((await serialOf(pool)) !== client.serial());
});

test('T29 T31 a server whose SVID has ended gets no further query over the connections there are', async (t) => {
  const ca = await createCa();
  const clock = new ManualClock();
  const log = new RefusalLog();
  const client = await createWorkload(ca, 'client');
  const server = await startFakePostgres(
    t,
    await ca.issue({ path: '/postgres', notAfter: new Date(Date.now() + 60_000) }),
  );
  const pool = createPool(t, client, server.port, { clock, onRefused: log.onRefused });
  await serialOf(pool);
  server.present(await ca.issue({ path: '/postgres' }));
  const before = server.received();
  const closed = server.nextClosed();
  clock.jump(61_000);
  await serialOf(pool);
  assert.equal((await log.next()).code, 'EXPIRED');
  await closed;
  assert.ok(server.received() > before);
  assert.equal(server.connections(), 1);
});

test('without an identity queries fail with the reason, and nothing stays connected', async (t) => {
  const ca = await createCa();
  const client = await createWorkload(ca, 'client');
  const server = await startFakePostgres(t, await ca.issue({ path: '/postgres' }));
  const pool = createPool(t, client, server.port);
  await serialOf(pool);
  const closed = server.nextClosed();
  client.source.withdraw();
  await assert.rejects(serialOf(pool), { code: 'IDENTITY_WITHDRAWN' });
  await closed;
  assert.equal(server.connections(), 0);
});

test('a configuration that would weaken the connection is refused', async () => {
  const ca = await createCa();
  const client = await createWorkload(ca, 'client');
  const base = { source: client.source, authorize: authorizeId(idOf('postgres')), Pool: pg.Pool };
  for (const pool of [
    { ssl: false },
    { connectionString: 'postgres://a/b?sslmode=disable' },
    { sslnegotiation: 'postgres' },
  ]) {
    assert.throws(() => createSpiffePgPool({ ...base, pool }), TypeError);
  }
});

test('listeners on the pool hear of every connection, and end leaves nothing', async (t) => {
  const ca = await createCa();
  const clock = new ManualClock();
  const client = await createWorkload(ca, 'client');
  const server = await startFakePostgres(t, await ca.issue({ path: '/postgres' }));
  const pool = createPool(t, client, server.port, { clock, retireWindow: 0 });
  let connected = 0;
  pool.on('connect', () => {
    connected += 1;
  });
  const former = await serialOf(pool);
  await client.rotate();
  clock.advance(0);
  while ((await serialOf(pool)) === former);
  assert.equal(connected, 2);
  await pool.end();
  assert.equal(clock.pending, 0);
  await assert.rejects(serialOf(pool), /pool after calling end/);
  assert.equal(pool.totalCount, 0);
});

test('a driver that connects without the ssl object gets no query', async (t) => {
  const ca = await createCa();
  const client = await createWorkload(ca, 'client');
  const impostor = await createCa();
  const server = await startFakePostgres(t, await impostor.issue({ path: '/postgres' }));
  /** Uses TLS of its own making, as a native driver would. */
  class Careless extends pg.Pool {
    constructor(config: object) {
      super({ ...config, ssl: { rejectUnauthorized: false } });
    }
  }
  const pool = createPool(t, client, server.port, { Pool: Careless });
  await assert.rejects(serialOf(pool), { code: 'NOT_VERIFIED' });
});

test('T29 T32 a bundle-only update that drops the CA of the server moves queries to a new connection', async (t) => {
  const ca = await createCa();
  const next = await createCa();
  const client = await createWorkload(ca, 'client', { bundles: [bundleOf(ca, next)] });
  const server = await startFakePostgres(t, await ca.issue({ path: '/postgres' }));
  const pool = createPool(t, client, server.port);
  await serialOf(pool);
  server.present(await next.issue({ path: '/postgres' }));
  const reconnected = once(server.server, 'secureConnection');
  const closed = server.nextClosed();
  client.trust(next.bundle());
  await serialOf(pool);
  await reconnected;
  await closed;
  assert.equal(server.connections(), 1);
});
