/**
 * One inner pool of a {@link createSpiffePgPool} pool: the connections made from one moment on. It is used until it is
 * retired; then it serves what it was asked for, and ends.
 */
import { SpiffeTlsError } from './errors.ts';
import { reportRefused } from './judge-peer.ts';
import { createPgSsl, explainConnectError, type VerifiedServer, verifyServer, withoutIdentity } from './pg-ssl.ts';
import { type Endpoint, toSpiffeTlsError } from './refusal.ts';
import type { ResolvedSpiffeTlsOptions } from './spiffe-tls-options.ts';
import type { X509Context } from './x509-source.ts';

/** The part of `pg.Pool` that is used. */
export interface PgPool {
  connect: (...args: never[]) => unknown;
  query: (...args: never[]) => unknown;
  end: (...args: never[]) => unknown;
  on(event: string, listener: (...args: unknown[]) => void): unknown;
  emit(event: string, ...args: unknown[]): boolean;
  readonly totalCount: number;
  readonly idleCount: number;
  readonly waitingCount: number;
}

/** How a generation is made. */
export interface PgGenerationOptions<P extends PgPool> {
  readonly options: ResolvedSpiffeTlsOptions;
  readonly Pool: new (config: object) => P;
  readonly config: object;
  readonly remote: Endpoint | undefined;
  /** Where the pool's events are told again. */
  readonly events: P;
  /** A server of this generation is no longer verified, or its SVID has ended. */
  readonly onInvalid: (generation: PgPoolGeneration<P>) => void;
}

const EVENTS = ['connect', 'acquire', 'release', 'remove', 'error'] as const;

/** See the file's comment. */
export class PgPoolGeneration<P extends PgPool> {
  readonly pool: P;
  readonly #options: PgGenerationOptions<P>;
  /** The servers behind the open connections, by the fingerprint of their certificate: one, or one before and one after a renewal. */
  readonly #servers = new Map<string, VerifiedServer>();
  readonly #ended: Promise<void>;
  #markEnded: () => void = () => {};
  /** Calls that wait for a connection. A pool that ends while some do would never answer them. */
  #pending = 0;
  #state: 'used' | 'retired' | 'ending' = 'used';
  #cancelExpiry: (() => void) | undefined;

  constructor(options: PgGenerationOptions<P>) {
    this.#options = options;
    this.#ended = new Promise((resolve) => {
      this.#markEnded = resolve;
    });
    const ssl = createPgSsl({ ...options, onVerified: (server) => this.#remember(server) });
    const verify = (client: unknown, done: (error?: Error) => void) => this.#checkVerified(client, done);
    this.pool = new options.Pool({ ...options.config, ssl, sslnegotiation: 'direct', verify });
    for (const event of EVENTS) this.pool.on(event, (...args) => this.#tell(event, args));
  }

  /** Calls `connect` or `query` of the pool, and counts it until it has its answer. */
  call(method: 'connect' | 'query', args: readonly unknown[]): unknown {
    const withheld = withoutIdentity(this.#options.options);
    const callback = args.at(-1);
    if (typeof callback === 'function') {
      if (withheld !== undefined) return queueMicrotask(() => Reflect.apply(callback, undefined, [withheld]));
      const answered = (error: unknown, ...results: unknown[]) => {
        this.#settled();
        Reflect.apply(callback, undefined, [this.#explain(error), ...results]);
      };
      this.#pending += 1;
      return Reflect.apply(this.pool[method], this.pool, [...args.slice(0, -1), answered]);
    }
    return withheld === undefined ? this.#await(method, args) : Promise.reject(withheld);
  }

  /** Makes one connection ahead of the first query. Says whether that worked. */
  async warm(): Promise<boolean> {
    try {
      const client: unknown = await this.call('connect', []);
      if (typeof client !== 'object' || client === null || !('release' in client)) return false;
      const { release } = client;
      if (typeof release === 'function') Reflect.apply(release, client, []);
      return true;
    } catch {
      // Reported as a refusal if it was one; the former pool still works.
      return false;
    }
  }

  /** Takes no new call; ends when those that wait have been served and those that hold a connection have released it. */
  retire(): Promise<void> {
    if (this.#state === 'used') this.#state = 'retired';
    this.#endWhenDone();
    return this.#ended;
  }

  /** Verifies the servers again, against new bundles or a later time. */
  verifyAgain(context: X509Context): void {
    try {
      for (const { chain } of this.#servers.values()) verifyServer(chain, this.#options.options, context);
    } catch (error) {
      this.#invalid(error);
    }
  }

  /** Gives the pool up if a server's SVID has ended by now, should the timer be late. */
  sweep(): void {
    if (this.#earliestMs() > this.#options.options.clock.now()) return;
    const rule = 'the X.509-SVID of a live server must not have expired';
    this.#invalid(new SpiffeTlsError('EXPIRED', `peer: ${rule}`, { expected: 'an X.509-SVID that is still valid' }));
  }

  async #await(method: 'connect' | 'query', args: readonly unknown[]): Promise<unknown> {
    this.#pending += 1;
    try {
      return await Reflect.apply(this.pool[method], this.pool, args);
    } catch (error) {
      throw this.#explain(error);
    } finally {
      this.#settled();
    }
  }

  #settled(): void {
    this.#pending -= 1;
    this.#endWhenDone();
  }

  #endWhenDone(): void {
    if (this.#state !== 'retired' || this.#pending > 0) return;
    this.#state = 'ending';
    this.#cancelExpiry?.();
    const ended: unknown = Reflect.apply(this.pool.end, this.pool, []);
    void Promise.resolve(ended).then(this.#markEnded, this.#markEnded);
  }

  #explain(error: unknown): unknown {
    return error === undefined || error === null ? error : explainConnectError(error, this.#options);
  }

  #tell(event: string, args: readonly unknown[]): void {
    // What breaks in a pool that is being thrown away concerns nobody.
    if (event === 'error' && this.#state !== 'used') return;
    this.#options.events.emit(event, ...args);
  }

  #remember(server: VerifiedServer): void {
    const [leaf] = server.peer.path;
    if (leaf !== undefined) this.#servers.set(leaf.fingerprint256, server);
    this.#arm();
  }

  #earliestMs(): number {
    return Math.min(...[...this.#servers.values()].map(({ peer }) => peer.notAfterMs));
  }

  #arm(): void {
    this.#cancelExpiry?.();
    if (this.#state !== 'used') return;
    const { clock } = this.#options.options;
    this.#cancelExpiry = clock.schedule(Math.max(0, this.#earliestMs() - clock.now()), () => {
      this.sweep();
      // The clock's longest wait is capped: it may have been too early.
      if (this.#servers.size > 0) this.#arm();
    });
  }

  #invalid(cause: unknown): void {
    const { options, remote, onInvalid } = this.#options;
    const chain = [...this.#servers.values()][0]?.chain ?? [];
    this.#servers.clear();
    this.#cancelExpiry?.();
    onInvalid(this);
    const error = toSpiffeTlsError(cause);
    reportRefused(error, { options, role: 'client', transport: 'postgres' }, { chain, ...(remote && { remote }) });
  }

  /** The last line: a driver that ignores the `ssl` object, as a native one would, gets no query. */
  #checkVerified(client: unknown, done: (error?: Error) => void): void {
    if (this.#servers.size === 0) {
      const rule = 'the server of a PostgreSQL connection must have been verified';
      done(new SpiffeTlsError('NOT_VERIFIED', `pg: ${rule}, got one that was not`));
      return;
    }
    const { config } = this.#options;
    if ('verify' in config && typeof config.verify === 'function') Reflect.apply(config.verify, config, [client, done]);
    else done();
  }
}
