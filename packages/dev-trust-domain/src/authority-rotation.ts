/**
 * Replaces an authority without a call failing: publish the new one, give every workload time to take it in, sign with
 * it, and drop the old one when nothing that it signed can be in use any more.
 */
import type { Authorities } from './authorities.ts';
import type { RotateAuthorityOptions } from './control.ts';
import { DevTrustDomainError } from './errors.ts';
import type { Settings } from './options.ts';
import { createQueue, type Queue } from './queue.ts';

/** The part of an authority's life after which it is replaced by itself: what it signs last must not outlive it. */
const ROTATE_AT_FRACTION = 2 / 3;
/** The wait before a replacement that failed, because the disk is full for example, is tried again. */
const RETRY_MS = 30_000;

/** What a rotation needs. */
export interface AuthorityRotationOptions {
  /** Begins the names of its events. */
  readonly kind: 'ca' | 'jwt-key';
  /** Names the authority's ID in events. */
  readonly idField: 'serial' | 'key_id';
  readonly settings: Settings;
  readonly authorities: Authorities<{ readonly notBeforeMs: number; readonly notAfterMs: number }, unknown>;
  /** Steps that must not meet other changes. */
  readonly queue: Queue;
  /** Life of what it signs: how long authorities of an earlier run are kept. */
  readonly signedTtlMs: number;
  /** Sends the bundle to every workload. */
  publish(): Promise<void>;
  /** Signs anew what workloads hold. */
  reissue(): Promise<void>;
  /** When the last thing signed so far expires. */
  lastExpiryMs(): number;
}

/** What a rotation did: the ID of the authority that signs now, of the one relieved, and when that one is dropped. */
export interface RotatedAuthority {
  readonly id: string;
  readonly previousId: string;
  readonly dropsAt: string;
}

/** The rotations of one kind of authority. */
export class AuthorityRotation {
  readonly #options: AuthorityRotationOptions;
  readonly #settings: Settings;
  readonly #authorities: AuthorityRotationOptions['authorities'];
  /** Whole rotations: a second one waits for the first. */
  readonly #rotations = createQueue();
  readonly #stopped = new AbortController();
  readonly #drops = new Set<Promise<void>>();
  #cancelNext: () => void = () => {};

  constructor(options: AuthorityRotationOptions) {
    this.#options = options;
    this.#settings = options.settings;
    this.#authorities = options.authorities;
  }

  /** Begins to replace the authority by itself, and drops in time what an earlier run left in the bundle. */
  start(): void {
    for (const { id, role } of this.#authorities.published) {
      if (role === 'retiring') this.#dropLater(id, this.#options.signedTtlMs);
    }
    this.#scheduleNext();
  }

  /** Ends all waiting; a rotation under way fails with `CLOSED`. */
  stop(): void {
    this.#cancelNext();
    this.#stopped.abort();
  }

  async whenDropped(): Promise<void> {
    await Promise.all(this.#drops);
  }

  rotate(options: RotateAuthorityOptions): Promise<RotatedAuthority> {
    return this.#rotations(() => this.#rotate(options));
  }

  async #rotate(options: RotateAuthorityOptions): Promise<RotatedAuthority> {
    const { clock, caSettleMs, caDropAfterMs } = this.#settings;
    const { queue, publish, reissue } = this.#options;
    const id = await queue(async () => {
      const prepared = await this.#authorities.prepare(clock.now());
      await publish();
      return prepared;
    });
    this.#log('published', id);
    await this.#pause(options.settleMs ?? caSettleMs);
    const { previousId, expiryMs } = await queue(async () => {
      const relieved = await this.#authorities.activate(id);
      // Read before the new one has signed, so this is when the last SVID of the old one expires.
      const lastExpiryMs = this.#options.lastExpiryMs();
      await reissue();
      return { previousId: relieved, expiryMs: lastExpiryMs };
    });
    const dropAfterMs = options.dropAfterMs ?? caDropAfterMs ?? Math.max(0, expiryMs - clock.now());
    this.#log('activated', id, { [`previous_${this.#options.idField}`]: previousId });
    this.#dropLater(previousId, dropAfterMs);
    this.#scheduleNext();
    return { id, previousId, dropsAt: new Date(clock.now() + dropAfterMs).toISOString() };
  }

  #dropLater(id: string, delayMs: number): void {
    const drop = this.#drop(id, delayMs).catch((cause: unknown) => {
      if (!this.#stopped.signal.aborted) this.#log('drop-failed', id, { error: String(cause) });
    });
    this.#drops.add(drop);
    void drop.then(() => this.#drops.delete(drop));
  }

  async #drop(id: string, delayMs: number): Promise<void> {
    await this.#pause(delayMs);
    await this.#options.queue(async () => {
      if (await this.#authorities.drop(id)) await this.#options.publish();
    });
    this.#log('dropped', id);
  }

  #log(what: string, id: string, fields: Readonly<Record<string, unknown>> = {}): void {
    this.#settings.log({ event: `${this.#options.kind}-${what}`, [this.#options.idField]: id, ...fields });
  }

  #scheduleNext(): void {
    const { clock } = this.#settings;
    const { notBeforeMs, notAfterMs } = this.#authorities.active;
    const dueMs = notBeforeMs + (notAfterMs - notBeforeMs) * ROTATE_AT_FRACTION;
    this.#scheduleAfter(dueMs - clock.now(), dueMs);
  }

  #scheduleAfter(delayMs: number, dueMs: number): void {
    const { clock, log } = this.#settings;
    this.#cancelNext();
    this.#cancelNext = clock.schedule(Math.max(0, delayMs), () => {
      // A timer can't wait longer than 24 days, so it may ring before it is time.
      if (clock.now() < dueMs) return this.#scheduleNext();
      this.rotate({}).catch((cause: unknown) => {
        if (this.#stopped.signal.aborted) return;
        log({ event: `${this.#options.kind}-rotation-failed`, error: String(cause) });
        this.#scheduleAfter(RETRY_MS, clock.now() + RETRY_MS);
      });
    });
  }

  #pause(delayMs: number): Promise<void> {
    const { signal } = this.#stopped;
    return new Promise((resolve, reject) => {
      const stop = () => {
        cancel();
        reject(new DevTrustDomainError('CLOSED', 'development trust domain: closed'));
      };
      const cancel = this.#settings.clock.schedule(delayMs, () => {
        signal.removeEventListener('abort', stop);
        resolve();
      });
      if (signal.aborted) stop();
      else signal.addEventListener('abort', stop, { once: true });
    });
  }
}
