import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { RecordPredicate } from '../log-watch.ts';
import { openStateDirectory } from '../state-directory.ts';
import { findPostgresAccount } from './account.ts';
import { openPostgresLocation } from './location.ts';
import {
  logIn,
  openGround,
  type PostgresGround,
  part,
  type RunningPostgres,
  startPostgres,
  tlsOf,
} from './postgres.fixture.ts';
import { findPostmaster, stopStalePostmaster } from './stale-postmaster.ts';

let ground: PostgresGround;
before(async () => {
  ground = await openGround();
  openStateDirectory(ground.stateRoot, ground.identities.names());
});
after(async () => {
  await ground[Symbol.asyncDispose]();
});

describe('who may log in', () => {
  let postgres: RunningPostgres;
  before(async () => {
    postgres = await startPostgres(ground);
  });
  after(async () => {
    await postgres[Symbol.asyncDispose]();
  });

  for (const [workload, user] of [
    ['db-client', 'orders_rw'],
    ['db-migrate', 'orders_owner'],
    ['auditor', 'orders_ro'],
  ] as const) {
    it(`${workload} as ${user}, no superuser, over TLS 1.3`, async () => {
      await using login = await logIn({ port: postgres.port, user, ssl: await tlsOf(ground, workload) });
      const { rows } = await login.client.query(
        'SELECT current_user, rolsuper, rolcreaterole, version FROM pg_roles, pg_stat_ssl WHERE rolname = current_user AND pid = pg_backend_pid()',
      );
      assert.deepEqual(rows, [{ current_user: user, rolsuper: false, rolcreaterole: false, version: 'TLSv1.3' }]);
      const record = await postgres.logs.waitFor(
        part,
        ({ event, remote }) => event === 'authenticated' && hasPort(remote, login.localPort),
        5_000,
      );
      assert.equal(record['peer'], ground.identities.workload(workload).spiffeId);
    });
  }

  const refused: {
    name: string;
    workload: string;
    user: string;
    presents?: boolean;
    database?: string;
    plain?: boolean;
    code: string;
    got: string;
  }[] = [
    { name: 'rogue as orders_rw', workload: 'rogue', user: 'orders_rw', code: 'PEER_NOT_AUTHORIZED', got: '/sa/rogue' },
    { name: 'rogue as orders_ro', workload: 'rogue', user: 'orders_ro', code: 'PEER_NOT_AUTHORIZED', got: '/sa/rogue' },
    {
      name: 'rogue as orders_owner',
      workload: 'rogue',
      user: 'orders_owner',
      code: 'PEER_NOT_AUTHORIZED',
      got: '/sa/rogue',
    },
    {
      name: 'a service without a role',
      workload: 'backend',
      user: 'orders_rw',
      code: 'PEER_NOT_AUTHORIZED',
      got: '/sa/backend',
    },
    {
      name: "db-client in the owner's role",
      workload: 'db-client',
      user: 'orders_owner',
      code: 'PEER_NOT_AUTHORIZED',
      got: '/sa/db-client',
    },
    {
      name: 'auditor in the role that writes',
      workload: 'auditor',
      user: 'orders_rw',
      code: 'PEER_NOT_AUTHORIZED',
      got: '/sa/auditor',
    },
    {
      name: "the server's own identity",
      workload: 'postgres',
      user: 'orders_rw',
      code: 'PEER_NOT_AUTHORIZED',
      got: '/sa/postgres',
    },
    {
      name: 'the superuser',
      workload: 'db-migrate',
      user: 'postgres',
      code: 'PEER_NOT_AUTHORIZED',
      got: 'TLS, role "postgres", database "orders"',
    },
    {
      name: 'another database',
      workload: 'db-client',
      user: 'orders_rw',
      database: 'postgres',
      code: 'PEER_NOT_AUTHORIZED',
      got: 'TLS, role "orders_rw", database "postgres"',
    },
    {
      name: 'a role with a newline',
      workload: 'db-client',
      user: 'x\n{"event":"ready"}',
      code: 'PEER_NOT_AUTHORIZED',
      got: 'TLS, role "x\\n{\\"event\\":\\"ready\\"}", database "orders"',
    },
    {
      name: 'no certificate',
      workload: 'db-client',
      presents: false,
      user: 'orders_rw',
      code: 'NO_PEER_CERTIFICATE',
      got: 'none',
    },
    {
      name: 'no TLS',
      workload: 'db-client',
      plain: true,
      user: 'orders_rw',
      code: 'PEER_NOT_AUTHORIZED',
      got: 'no TLS, role "orders_rw", database "orders"',
    },
  ];
  for (const { name, workload, user, presents, database, plain, code, got } of refused) {
    it(`refused: ${name}`, async () => {
      const seen = postgres.logs.find(part, isRefusal).length;
      const ssl = plain ? false : await tlsOf(ground, workload, presents);
      await assert.rejects(logIn({ port: postgres.port, user, ssl, ...(database === undefined ? {} : { database }) }), {
        code: '28000',
      });
      const record = await nextRefusal(postgres, seen);
      assert.equal(record['code'], code);
      assert.ok(String(record['got']).endsWith(got), String(record['got']));
      assert.equal(record['self'], ground.identities.workload('postgres').spiffeId);
    });
  }

  it('refused: a certificate of another CA, with the right name', async () => {
    const seen = postgres.logs.find(part, isRefusal).length;
    await using other = await openGround();
    const { cert, key } = await tlsOf(other, 'db-client');
    const ssl = { ...(await tlsOf(ground, 'db-client')), cert, key };
    await assert.rejects(logIn({ port: postgres.port, user: 'orders_rw', ssl }), {
      code: 'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA',
    });
    assert.equal((await nextRefusal(postgres, seen))['code'], 'UNTRUSTED_CHAIN');
  });

  it('public rights: a role can make nothing in the schema that it does not own', async () => {
    await using login = await logIn({ port: postgres.port, user: 'orders_ro', ssl: await tlsOf(ground, 'auditor') });
    await assert.rejects(login.client.query('CREATE TABLE mine (x int)'), { code: '42501' });
    await assert.rejects(login.client.query('CREATE TEMPORARY TABLE mine (x int)'), { code: '42501' });
  });

  it('rotation: new handshakes see the new certificate, an open connection goes on', async () => {
    const ssl = await tlsOf(ground, 'db-client');
    await using before = await logIn({ port: postgres.port, user: 'orders_rw', ssl });
    const [status] = await ground.trustDomain.rotate('postgres');
    const serial = status?.identities[0]?.serialNumber;
    await postgres.logs.waitFor(
      part,
      (record) => record['event'] === 'certificate' && record['serial'] === serial,
      5_000,
    );
    await reloaded(postgres);
    await using fresh = await logIn({ port: postgres.port, user: 'orders_rw', ssl });
    assert.equal(fresh.serverSerial, serial);
    assert.notEqual(before.serverSerial, serial);
    assert.deepEqual((await before.client.query('SELECT 1 AS one')).rows, [{ one: 1 }]);
  });

  it('a new CA: a client with a certificate from it is let in', async () => {
    await ground.trustDomain.rotateCa({ settleMs: 0 });
    const ssl = await tlsOf(ground, 'db-client');
    await postgres.logs.waitFor(part, (record) => record['event'] === 'certificate' && bundlesChanged(record), 5_000);
    await reloaded(postgres);
    await using login = await logIn({ port: postgres.port, user: 'orders_rw', ssl });
    assert.notEqual(login.serverSerial, '');
  });

  it('an identity that is taken back: nobody new gets in until it is given again', async () => {
    const ssl = await tlsOf(ground, 'db-client');
    await ground.trustDomain.unregister('postgres');
    await postgres.logs.waitFor(part, ({ event }) => event === 'withdrawn', 5_000);
    await postgres.logs.waitFor(part, ({ message }) => message === 'parameter "ssl" changed to "off"', 5_000);
    await assert.rejects(logIn({ port: postgres.port, user: 'orders_rw', ssl }));
    await ground.trustDomain.register({ name: 'postgres' });
    await postgres.logs.waitFor(part, ({ message }) => message === 'parameter "ssl" changed to "on"', 10_000);
    await using login = await logIn({ port: postgres.port, user: 'orders_rw', ssl });
    assert.notEqual(login.serverSerial, '');
  });
});

describe('what survives', () => {
  it('data survives a stop, and a kill of the sidecar with the server left behind', async () => {
    const location = openPostgresLocation(ground.stateRoot, findPostgresAccount());
    await withPostgres(async (postgres) => {
      await using owner = await logIn({
        port: postgres.port,
        user: 'orders_owner',
        ssl: await tlsOf(ground, 'db-migrate'),
      });
      await owner.client.query('CREATE TABLE kept (x int)');
      await owner.client.query('INSERT INTO kept VALUES (42)');
    });
    assert.equal(findPostmaster(location), undefined, 'an orderly end leaves no server');

    const { child } = await forkSidecar();
    const left = findPostmaster(location);
    child.kill('SIGKILL');
    await once(child, 'exit');
    assert.notEqual(left, undefined);
    assert.deepEqual(findPostmaster(location), left, 'the server outlives its killed sidecar');

    await withPostgres(async (postgres) => {
      assert.equal(postgres.logs.find(part, ({ event }) => event === 'stale').length, 1);
      await using owner = await logIn({
        port: postgres.port,
        user: 'orders_owner',
        ssl: await tlsOf(ground, 'db-migrate'),
      });
      assert.deepEqual((await owner.client.query('SELECT x FROM kept')).rows, [{ x: 42 }]);
    });
  });

  it('a parent that is gone: the sidecar stops the server and ends', async () => {
    const location = openPostgresLocation(ground.stateRoot, findPostgresAccount());
    const { child } = await forkSidecar();
    assert.notEqual(findPostmaster(location), undefined);
    child.disconnect();
    assert.deepEqual(await once(child, 'exit'), [0, null]);
    assert.equal(findPostmaster(location), undefined);
  });

  it('a stranger with the number of an earlier server is left alone', async () => {
    const location = openPostgresLocation(ground.stateRoot, findPostgresAccount());
    const file = `${location.data}/postmaster.pid`;
    writeFileSync(file, `${process.pid}\n`);
    assert.equal(await stopStalePostmaster(location), undefined);
    rmSync(file);
  });
});

async function withPostgres(use: (postgres: RunningPostgres) => Promise<void>): Promise<void> {
  await using postgres = await startPostgres(ground);
  await use(postgres);
}

async function forkSidecar() {
  const child = fork(fileURLToPath(new URL('main.ts', import.meta.url)), {
    execArgv: [],
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    env: {
      PATH: '/usr/bin:/bin',
      SPIFFE_ENDPOINT_SOCKET: ground.trustDomain.socketOf('postgres'),
      COUNTERSIGN_STATE_DIR: ground.stateRoot,
      POSTGRES_OWNER: ground.identities.workload('db-migrate').postgresRole,
    },
  });
  // Not `for await`: leaving that loop would close the pipe, and a closed pipe is a reason of its own to stop.
  await new Promise<void>((resolve) => {
    let text = '';
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      if (text.includes('"event":"ready"')) resolve();
    });
  });
  return { child };
}

function isRefusal({ event }: Readonly<Record<string, unknown>>): boolean {
  return event === 'refused';
}

async function nextRefusal(postgres: RunningPostgres, after: number): Promise<Readonly<Record<string, unknown>>> {
  return await postgres.logs.waitFor(part, skipping(after, isRefusal), 5_000);
}

/** The server says each time that it reads its files again: wait until there is one such line for each certificate. */
async function reloaded(postgres: RunningPostgres): Promise<void> {
  const certificates = postgres.logs.find(part, ({ event }) => event === 'certificate').length;
  const isReload: RecordPredicate = ({ message }) => message === 'received SIGHUP, reloading configuration files';
  await postgres.logs.waitFor(part, skipping(certificates - 1, isReload), 5_000);
}

/** Matches from the match after `count` others on. */
function skipping(count: number, predicate: RecordPredicate): RecordPredicate {
  let seen = 0;
  return (record) => {
    if (!predicate(record)) return false;
    seen += 1;
    return seen > count;
  };
}

function hasPort(remote: unknown, port: number): boolean {
  return typeof remote === 'object' && remote !== null && 'port' in remote && remote.port === port;
}

function bundlesChanged({ changed }: Readonly<Record<string, unknown>>): boolean {
  return typeof changed === 'object' && changed !== null && 'bundles' in changed && changed.bundles === true;
}
