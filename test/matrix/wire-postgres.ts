/**
 * A login at PostgreSQL with any certificate, over direct TLS.
 */
import type { TLSSocket } from 'node:tls';
import pg from 'pg';
import type { Seen } from './outcome.ts';
import { ANSWER_MS, addressOf, type Material } from './wire-tls.ts';

/** Where, and as whom. */
export interface Login {
  readonly address: string;
  readonly database: string;
  readonly user: string;
  /** Without TLS, which `pg` can do and no service of ours does. */
  readonly plaintext?: true;
}

/** Logs in, asks who one is, and leaves. */
export async function logIn(login: Login, material: Material | undefined): Promise<Seen> {
  const tls = {
    ssl: { ...material, rejectUnauthorized: false, minVersion: 'TLSv1.3' as const },
    sslnegotiation: 'direct' as const,
  };
  const client = new pg.Client({
    ...addressOf(login.address),
    database: login.database,
    user: login.user,
    connectionTimeoutMillis: ANSWER_MS,
    ...(login.plaintext === true ? {} : tls),
  });
  client.on('error', () => {});
  let port = 0;
  try {
    const connecting = client.connect();
    streamOf(client).once('connect', function remember(this: TLSSocket) {
      port = this.localPort ?? 0;
    });
    await connecting;
    const { rows } = await client.query('SELECT current_user AS who');
    const who = String(rows[0]?.['who']);
    return { wire: who === login.user ? 'PostgreSQL logged in' : `PostgreSQL logged in as ${who}`, port };
  } catch (error) {
    return { ...describe(error), port };
  } finally {
    await client.end().catch(() => {});
  }
}

/** Not public in `pg`, and the only way to know which port it has taken. */
function streamOf(client: pg.Client): TLSSocket {
  return (client as unknown as { connection: { stream: TLSSocket } }).connection.stream;
}

function describe(error: unknown): Pick<Seen, 'wire' | 'detail'> {
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const alert = /alert ([a-z ]+?)(?::|$)/.exec(message)?.[1];
  if (alert !== undefined) return { wire: `TLS alert ${alert}`, detail: message };
  return { wire: `PostgreSQL ${code}`, detail: message };
}
