/**
 * Says that there may be new orders, whichever replica placed them: PostgreSQL's LISTEN on a connection of its own. It
 * carries no orders and keeps none; each stream reads what it lacks, at its own pace. After a lost connection everybody is
 * woken once, because notifications may have been missed.
 */
import type { Logger } from '@countersign/telemetry';
import type { PoolClient } from 'pg';
import type { Database } from './database.ts';

/** A running feed. */
export interface OrderFeed {
  /** Grows with each wake-up. Read it before reading orders, then wait for it to change. */
  version(): number;
  /** Resolves when the version is no longer `version`, or when the signal is aborted. */
  changed(version: number, signal: AbortSignal): Promise<void>;
  /** Takes a new connection before giving up the one in use: after a rotation of the own SVID. */
  renew(): void;
  close(): void;
}

/** How {@link startOrderFeed} reports. */
export interface OrderFeedOptions {
  readonly logger: Logger;
  /** Told why the database can't be reached, and `undefined` when it can. */
  readonly onState: (problem: string | undefined) => void;
  /** First and longest wait between attempts. */
  readonly backoffMs?: { readonly first: number; readonly longest: number };
}

const BACKOFF_MS = { first: 100, longest: 5_000 };

/** Starts to listen, and keeps at it until closed. */
export function startOrderFeed(database: Pick<Database, 'connect'>, options: OrderFeedOptions): OrderFeed {
  return new ListeningFeed(database, options);
}

class ListeningFeed implements OrderFeed {
  readonly #database: Pick<Database, 'connect'>;
  readonly #options: OrderFeedOptions;
  readonly #waiting = new Set<() => void>();
  #version = 0;
  #client: PoolClient | undefined;
  #attempts = 0;
  #connecting = false;
  #retry: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(database: Pick<Database, 'connect'>, options: OrderFeedOptions) {
    this.#database = database;
    this.#options = options;
    options.onState('not connected yet');
    void this.#connect();
  }

  version(): number {
    return this.#version;
  }

  changed(version: number, signal: AbortSignal): Promise<void> {
    if (version !== this.#version || signal.aborted || this.#closed) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        this.#waiting.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      this.#waiting.add(done);
      signal.addEventListener('abort', done, { once: true });
    });
  }

  renew(): void {
    if (this.#client !== undefined) void this.#connect();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#retry);
    this.#drop(this.#client);
    this.#client = undefined;
    this.#wake();
  }

  async #connect(): Promise<void> {
    if (this.#connecting || this.#closed) return;
    this.#connecting = true;
    clearTimeout(this.#retry);
    let client: PoolClient | undefined;
    try {
      client = await this.#database.connect();
      await this.#listen(client);
      this.#adopt(client);
    } catch (error) {
      this.#drop(client);
      this.#fail(error);
    } finally {
      this.#connecting = false;
    }
  }

  async #listen(client: PoolClient): Promise<void> {
    client.on('notification', () => this.#wake());
    client.on('error', (error) => this.#lose(client, error));
    client.on('end', () => this.#lose(client, new Error('connection ended')));
    await client.query('LISTEN orders');
  }

  #adopt(client: PoolClient): void {
    const former = this.#client;
    if (this.#closed) {
      this.#drop(client);
      return;
    }
    this.#client = client;
    this.#attempts = 0;
    this.#drop(former);
    this.#options.onState(undefined);
    this.#wake();
  }

  #lose(client: PoolClient, error: unknown): void {
    if (client !== this.#client) return;
    this.#client = undefined;
    this.#drop(client);
    this.#fail(error);
  }

  #fail(error: unknown): void {
    if (this.#closed) return;
    const problem = error instanceof Error ? error.message : String(error);
    const { first, longest } = this.#options.backoffMs ?? BACKOFF_MS;
    const waitMs = Math.min(longest, first * 2 ** this.#attempts) * (0.5 + Math.random() / 2);
    this.#attempts += 1;
    if (this.#client === undefined) this.#options.onState(problem);
    this.#options.logger.warn({ event: 'database_unreachable', message: problem, retry_ms: Math.round(waitMs) });
    this.#retry = setTimeout(() => void this.#connect(), waitMs);
  }

  /** A connection that listened is not given back to the pool: it would go on listening for somebody else. */
  #drop(client: PoolClient | undefined): void {
    if (client === undefined) return;
    client.removeAllListeners('notification');
    client.removeAllListeners('end');
    client.release(true);
  }

  #wake(): void {
    this.#version += 1;
    for (const done of [...this.#waiting]) done();
  }
}
