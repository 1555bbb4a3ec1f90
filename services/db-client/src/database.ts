/**
 * The connection to PostgreSQL: a pool whose connections log in with this process's SVID and verify the server's SPIFFE
 * ID before a byte is sent. No password exists.
 */
import type { Address } from '@countersign/service-kit';
import { authorizeId, createSpiffePgPool, type SpiffeId, type X509Source } from '@countersign/spiffe-tls';
import pg from 'pg';

/** Runs one statement. Values go beside the text, never in it. */
export type Query = <Row extends pg.QueryResultRow>(text: string, values?: unknown[]) => Promise<Row[]>;

/** What the rest of the service uses of the database. */
export interface Database {
  readonly query: Query;
  /** Runs `action` in one transaction; what it throws rolls back. */
  transaction<T>(action: (query: Query) => Promise<T>): Promise<T>;
  /** A new connection of one's own, for LISTEN or for a migration. The caller ends it: `release(true)`. */
  connect(): Promise<pg.PoolClient>;
  close(): Promise<void>;
}

/** Where the database is, who it must be, and as whom to log in. */
export interface DatabaseOptions {
  readonly source: X509Source;
  readonly address: Address;
  readonly serverId: SpiffeId;
  readonly database: string;
  readonly user: string;
}

/** Shorter than a call's deadline, so that the caller hears of it. */
const STATEMENT_MS = 2_500;

/** Opens the pools; nothing is connected yet. */
export function openDatabase(options: DatabaseOptions): Database {
  const pool = openPool(options, { max: 10, connectionTimeoutMillis: STATEMENT_MS });
  // Of its own, and never given a connection back, so that each one it hands out is new and made with the present SVID.
  const dedicated = openPool(options, { max: 3, connectionTimeoutMillis: STATEMENT_MS });
  return {
    query: async (text, values) => (await pool.query(text, values)).rows,
    transaction: (action) => inTransaction(() => pool.connect(), action),
    connect: () => dedicated.connect(),
    close: async () => {
      await Promise.all([pool.end(), dedicated.end()]);
    },
  };
}

function openPool({ source, serverId, address, database, user }: DatabaseOptions, bounds: pg.PoolConfig): pg.Pool {
  const pool = createSpiffePgPool({
    source,
    authorize: authorizeId(serverId),
    Pool: pg.Pool,
    pool: {
      host: address.host,
      port: address.port,
      database,
      user,
      application_name: user,
      idleTimeoutMillis: 30_000,
      statement_timeout: STATEMENT_MS,
      idle_in_transaction_session_timeout: STATEMENT_MS,
      ...bounds,
    },
  });
  // An idle connection that breaks is the pool's to replace; without a listener it would end the process.
  pool.on('error', () => {});
  // So would one that breaks while it is in use: its next statement fails, and who asked for that hears of it.
  pool.on('connect', (client) => client.on('error', () => {}));
  return pool;
}

async function inTransaction<T>(
  connect: () => Promise<pg.PoolClient>,
  action: (query: Query) => Promise<T>,
): Promise<T> {
  const client = await connect();
  let broken: Error | undefined;
  try {
    await client.query('BEGIN');
    const result = await action(async (text, values) => (await client.query(text, values)).rows);
    await client.query('COMMIT');
    return result;
  } catch (error) {
    broken = await rollBack(client);
    throw error;
  } finally {
    // A connection that could not roll back is not given to anybody else.
    client.release(broken);
  }
}

async function rollBack(client: pg.PoolClient): Promise<Error | undefined> {
  try {
    await client.query('ROLLBACK');
    return undefined;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
