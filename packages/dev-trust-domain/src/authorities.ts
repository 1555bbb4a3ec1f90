/**
 * The roots of the trust domain: one signs, and others are published beside it while a rotation is under way. A root is
 * published before it signs and stays published after it has signed for the last time, so that no workload ever meets a
 * certificate whose root it does not know (SPIFFE Federation section 4.1, TB appendix A).
 */
import type { TrustDomain } from '@countersign/spiffe-tls';
import type { CaStore } from './ca-store.ts';
import { type CertificateAuthority, createCertificateAuthority } from './certificate-authority.ts';

/** A root must be older than what it signs, also on a host whose clock is a little behind. */
const CA_BACKDATE_MS = 60_000;

/** A root in the bundle. */
export interface PublishedAuthority {
  readonly certificateDer: Uint8Array;
  /** `prepared` is known to workloads but has not signed; `retiring` has signed and will not again. */
  readonly role: 'active' | 'prepared' | 'retiring';
}

/** The roots and the moves between their roles. */
export class Authorities {
  readonly #trustDomain: TrustDomain;
  readonly #ttlMs: number;
  readonly #store: CaStore;
  #active: CertificateAuthority;
  #others: readonly PublishedAuthority[];

  private constructor(options: AuthoritiesOptions, active: CertificateAuthority, others: readonly Uint8Array[]) {
    this.#trustDomain = options.trustDomain;
    this.#ttlMs = options.ttlMs;
    this.#store = options.store;
    this.#active = active;
    this.#others = others.map((certificateDer) => ({ certificateDer, role: 'retiring' }));
  }

  /** Takes up what the store holds, or makes a new root and says why. */
  static async open(
    options: AuthoritiesOptions,
    nowMs: number,
  ): Promise<{ authorities: Authorities; replaced?: string }> {
    const stored = await options.store.load(nowMs);
    if ('active' in stored) return { authorities: new Authorities(options, stored.active, stored.others) };
    const authorities = new Authorities(options, await createRoot(options.trustDomain, options.ttlMs, nowMs), []);
    await authorities.#save();
    return { authorities, replaced: stored.unusable };
  }

  get active(): CertificateAuthority {
    return this.#active;
  }

  /** The active one first. */
  get published(): readonly PublishedAuthority[] {
    return [{ certificateDer: this.#active.certificateDer, role: 'active' }, ...this.#others];
  }

  /** As the Workload API sends it: concatenated DER. */
  get bundleDer(): Uint8Array {
    return Buffer.concat(this.published.map(({ certificateDer }) => certificateDer));
  }

  /** Makes the next root and publishes it. */
  async prepare(nowMs: number): Promise<CertificateAuthority> {
    const next = await createRoot(this.#trustDomain, this.#ttlMs, nowMs);
    this.#others = [...this.#others, { certificateDer: next.certificateDer, role: 'prepared' }];
    await this.#save();
    return next;
  }

  /** Lets a prepared root sign from now on; returns the one that it relieves. */
  async activate(next: CertificateAuthority): Promise<Uint8Array> {
    const previous = this.#active.certificateDer;
    const others = this.#others.filter(({ certificateDer }) => !isSame(certificateDer, next.certificateDer));
    this.#active = next;
    this.#others = [...others, { certificateDer: previous, role: 'retiring' }];
    await this.#save();
    return previous;
  }

  /** Takes a root out of the bundle; whether it was there. The active one can't be dropped. */
  async drop(certificateDer: Uint8Array): Promise<boolean> {
    const others = this.#others.filter((other) => !isSame(other.certificateDer, certificateDer));
    if (others.length === this.#others.length) return false;
    this.#others = others;
    await this.#save();
    return true;
  }

  async #save(): Promise<void> {
    await this.#store.save(
      this.#active,
      this.#others.map(({ certificateDer }) => certificateDer),
    );
  }
}

/** What {@link Authorities.open} needs. */
export interface AuthoritiesOptions {
  readonly trustDomain: TrustDomain;
  /** Life of a root. */
  readonly ttlMs: number;
  readonly store: CaStore;
}

function createRoot(trustDomain: TrustDomain, ttlMs: number, nowMs: number): Promise<CertificateAuthority> {
  return createCertificateAuthority({ trustDomain, notBeforeMs: nowMs - CA_BACKDATE_MS, notAfterMs: nowMs + ttlMs });
}

function isSame(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.compare(left, right) === 0;
}
