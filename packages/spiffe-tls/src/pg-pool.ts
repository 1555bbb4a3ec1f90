/**
 * A `pg.Pool` with SPIFFE identity: its connections present the source's SVID and go only to the server that is expected.
 * After a rotation the pool behind it is replaced, and no query fails for that.
 *
 * `pg` is not a dependency of this library: its `Pool` is passed in.
 */
import { quote } from './errors.ts';
import { type PgGenerationOptions, type PgPool, PgPoolGeneration } from './pg-pool-generation.ts';
import type { Endpoint } from './refusal.ts';
import { checkRetireWindow, type Retirement, scheduleRetirements } from './retirement.ts';
import { type ResolvedSpiffeTlsOptions, resolveOptions, type SpiffeTlsOptions } from './spiffe-tls-options.ts';

/** Options of {@link createSpiffePgPool}. */
export interface SpiffePgPoolOptions<P extends PgPool> extends SpiffeTlsOptions {
  /** `pg.Pool`. */
  readonly Pool: new (
    config: object,
  ) => P;
  /**
   * The pool's configuration, without what TLS is made of: `ssl`, `sslnegotiation` and `connectionString` (whose parameters
   * would override it) are refused.
   */
  readonly pool: object;
  /**
   * Part of the SVID's remaining life within which connections made with it are replaced after a rotation, from 0 (at
   * once) to 1. Default 0.1. New work leaves them within 5 s when another authority signed the new SVID, and at once when the
   * bundle verifies the former one no more.
   */
  readonly retireWindow?: number;
}

const NOT_ALLOWED = ['ssl', 'sslnegotiation', 'connectionString', 'stream'];
const WARM_RETRY_MS = 1_000;

/**
 * Creates a pool that is used like a `pg.Pool`, by drivers and query builders too. Each connection begins with TLS
 * (`sslnegotiation: 'direct'`, PostgreSQL 17 or later), and the server's SPIFFE ID is verified before a byte of
 * PostgreSQL's protocol is sent. A refused server is a {@link SpiffeTlsError} from `connect` or `query`.
 *
 * Clients that are checked out when the pool behind is replaced work until they are released. `end()` ends everything.
 *
 * @throws {TypeError} for a configuration that would weaken the connection.
 * @example
 * const pool = createSpiffePgPool({
 *   source, authorize: authorizeId(postgresId), Pool: pg.Pool, pool: { host: '127.0.0.1', port: 54320, user: 'orders_rw' },
 * });
 * await pool.query('select 1');
 */
export function createSpiffePgPool<P extends PgPool>(options: SpiffePgPoolOptions<P>): P {
  for (const name of NOT_ALLOWED) {
    if (name in options.pool) throw new TypeError(`spiffe-tls: the pool's configuration must not have ${quote(name)}`);
  }
  // Never connects: it is what listeners are put on, and what a program sees.
  const facade = new options.Pool(options.pool);
  const pools = new PgPools(options, facade);
  return new Proxy(facade, {
    get(target, property) {
      if (property === 'query' || property === 'connect') return (...args: unknown[]) => pools.call(property, args);
      if (property === 'end') return endOf(pools);
      if (property === 'totalCount' || property === 'idleCount' || property === 'waitingCount')
        return pools.count(property);
      const value: unknown = Reflect.get(target, property, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

/** `end`, with a callback or a promise, as `pg` has it. */
function endOf<P extends PgPool>(pools: PgPools<P>): (callback?: () => void) => Promise<void> | undefined {
  return (callback) => {
    const ended = pools.end();
    if (callback === undefined) return ended;
    void ended.finally(callback);
    return undefined;
  };
}

/** The generations of one pool. */
class PgPools<P extends PgPool> {
  readonly #options: ResolvedSpiffeTlsOptions;
  readonly #generationOptions: PgGenerationOptions<P>;
  readonly #facade: P;
  readonly #all = new Set<PgPoolGeneration<P>>();
  readonly #stops: Array<() => void>;
  #current: PgPoolGeneration<P>;
  #cancelWarming: (() => void) | undefined;
  #ended: Promise<unknown> | undefined;

  constructor(options: SpiffePgPoolOptions<P>, facade: P) {
    this.#options = resolveOptions(options);
    this.#facade = facade;
    const window = checkRetireWindow(options.retireWindow);
    this.#generationOptions = {
      options: this.#options,
      Pool: options.Pool,
      config: options.pool,
      remote: remoteOf(options.pool),
      events: facade,
      onInvalid: (generation) => this.#replace(generation),
    };
    this.#current = this.#create();
    this.#stops = [
      scheduleRetirements({ options: this.#options, window, onRetire: (retirement) => this.#replaceWarm(retirement) }),
      options.source.subscribe((event) => {
        if (event.type === 'update') this.#current.verifyAgain(event.context);
        if (event.type === 'withdrawn') this.#replace(this.#current);
      }),
    ];
  }

  call(method: 'query' | 'connect', args: readonly unknown[]): unknown {
    this.#current.sweep();
    return this.#current.call(method, args);
  }

  count(name: 'totalCount' | 'idleCount' | 'waitingCount'): number {
    return [...this.#all].reduce((sum, { pool }) => sum + pool[name], 0);
  }

  async end(): Promise<void> {
    this.#ended ??= this.#endAll();
    await this.#ended;
  }

  async #endAll(): Promise<void> {
    for (const stop of this.#stops) stop();
    this.#cancelWarming?.();
    const facade: unknown = Reflect.apply(this.#facade.end, this.#facade, []);
    await Promise.all([facade, ...[...this.#all].map((generation) => generation.retire())]);
  }

  #create(): PgPoolGeneration<P> {
    const generation = new PgPoolGeneration(this.#generationOptions);
    this.#all.add(generation);
    return generation;
  }

  /** At once: the connections there are may not be used any more. */
  #replace(generation: PgPoolGeneration<P>): void {
    if (generation !== this.#current || this.#ended !== undefined) return;
    this.#cancelWarming?.();
    this.#use(this.#create());
  }

  #use(generation: PgPoolGeneration<P>): void {
    const former = this.#current;
    this.#current = generation;
    this.#retire(former);
  }

  #retire(generation: PgPoolGeneration<P>): void {
    void generation.retire().then(() => this.#all.delete(generation));
  }

  /** After a rotation: the successor is used once it has a connection, and at the latest when the former SVID expires. */
  #replaceWarm({ expiresInMs }: Retirement): void {
    const { clock } = this.#options;
    this.#cancelWarming?.();
    const next = this.#create();
    let cancels: Array<() => void> | undefined = [];
    const finish = (take: boolean) => {
      if (cancels === undefined) return;
      for (const cancel of cancels) cancel();
      cancels = undefined;
      this.#cancelWarming = undefined;
      if (take) this.#use(next);
      else this.#retire(next);
    };
    this.#cancelWarming = () => finish(false);
    cancels.push(clock.schedule(expiresInMs, () => finish(true)));
    const warm = async (): Promise<void> => {
      // Without connections there is nothing to replace them for, and nobody waits for the first one.
      if (this.#current.pool.totalCount === 0 || (await next.warm())) finish(true);
      else cancels?.push(clock.schedule(WARM_RETRY_MS, () => void warm()));
    };
    void warm();
  }
}

function remoteOf(config: object): Endpoint | undefined {
  const host = 'host' in config ? String(config.host) : 'localhost';
  const port = 'port' in config ? Number(config.port) : 5432;
  return { address: host, port };
}
