/**
 * Replaces the CA without a call failing: publish the new root, give every workload time to take it in, issue all SVIDs
 * anew from it, and drop the old root when nothing that it signed can be in use any more.
 */
import { X509Certificate } from 'node:crypto';
import type { Authorities } from './authorities.ts';
import type { RotateCaOptions } from './control.ts';
import { DevTrustDomainError } from './errors.ts';
import type { Settings } from './options.ts';
import { createQueue, type Queue } from './queue.ts';
import type { CaRotationResult } from './status.ts';
import type { Workloads } from './workloads.ts';

/** The part of a CA's life after which it is replaced by itself: what it signs last must not outlive it. */
const ROTATE_AT_FRACTION = 2 / 3;
/** The wait before a replacement that failed, because the disk is full for example, is tried again. */
const RETRY_MS = 30_000;

/** The rotations of one trust domain's CA. */
export class CaRotation {
  readonly #settings: Settings;
  readonly #authorities: Authorities;
  readonly #workloads: Workloads;
  /** Steps that must not meet other changes. */
  readonly #queue: Queue;
  /** Whole rotations: a second one waits for the first. */
  readonly #rotations = createQueue();
  readonly #stopped = new AbortController();
  readonly #drops = new Set<Promise<void>>();
  #cancelNext: () => void = () => {};

  constructor(settings: Settings, authorities: Authorities, workloads: Workloads, queue: Queue) {
    this.#settings = settings;
    this.#authorities = authorities;
    this.#workloads = workloads;
    this.#queue = queue;
  }

  /** Begins to replace the CA by itself, and drops in time what an earlier run left in the bundle. */
  start(): void {
    for (const { certificateDer, role } of this.#authorities.published) {
      if (role === 'retiring') this.#dropLater(certificateDer, this.#settings.svidTtlMs);
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

  rotate(options: RotateCaOptions): Promise<CaRotationResult> {
    return this.#rotations(() => this.#rotate(options));
  }

  async #rotate(options: RotateCaOptions): Promise<CaRotationResult> {
    const { clock, caSettleMs, caDropAfterMs, log } = this.#settings;
    const next = await this.#queue(async () => {
      const prepared = await this.#authorities.prepare(clock.now());
      await this.#workloads.publishBundle();
      return prepared;
    });
    log({ event: 'ca-published', serial: next.serialNumber });
    await this.#pause(options.settleMs ?? caSettleMs);
    const { previous, expiryMs } = await this.#queue(async () => {
      // Read before the new root signs: this is when the old one's last SVID expires.
      const lastExpiryMs = this.#workloads.lastExpiryMs;
      const relieved = await this.#authorities.activate(next);
      await this.#workloads.issueAll();
      return { previous: relieved, expiryMs: lastExpiryMs };
    });
    const dropAfterMs = options.dropAfterMs ?? caDropAfterMs ?? Math.max(0, expiryMs - clock.now());
    const previousSerialNumber = new X509Certificate(previous).serialNumber;
    log({ event: 'ca-activated', serial: next.serialNumber, previous_serial: previousSerialNumber });
    this.#dropLater(previous, dropAfterMs);
    this.#scheduleNext();
    return {
      serialNumber: next.serialNumber,
      previousSerialNumber,
      dropsAt: new Date(clock.now() + dropAfterMs).toISOString(),
    };
  }

  #dropLater(certificateDer: Uint8Array, delayMs: number): void {
    const drop = this.#drop(certificateDer, delayMs).catch((cause: unknown) => {
      if (!this.#stopped.signal.aborted) this.#settings.log({ event: 'ca-drop-failed', error: String(cause) });
    });
    this.#drops.add(drop);
    void drop.then(() => this.#drops.delete(drop));
  }

  async #drop(certificateDer: Uint8Array, delayMs: number): Promise<void> {
    await this.#pause(delayMs);
    await this.#queue(async () => {
      if (await this.#authorities.drop(certificateDer)) await this.#workloads.publishBundle();
    });
    this.#settings.log({ event: 'ca-dropped', serial: new X509Certificate(certificateDer).serialNumber });
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
        log({ event: 'ca-rotation-failed', error: String(cause) });
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
