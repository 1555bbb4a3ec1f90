/**
 * What the trust domain signs with: one authority is active, and others are published beside it while a rotation is under
 * way. An authority is published before it signs and stays published after it has signed for the last time, so that no
 * workload ever meets an SVID whose authority it does not know (SPIFFE Federation section 4.1, TB appendix A). The CA and
 * the JWT key follow the same rules, so they share this class.
 */

/** Where an authority stands: `prepared` is known to workloads but has not signed; `retiring` has signed and will not again. */
export type AuthorityRole = 'active' | 'prepared' | 'retiring';

/** The public part of an authority, as bundles hold it. */
export interface PublishedAuthority<Public> {
  readonly id: string;
  readonly material: Public;
  readonly role: AuthorityRole;
}

/** What {@link Authorities} has to know of a kind of authority. */
export interface AuthorityKind<Active, Public> {
  /** Makes one that can sign from `nowMs` on. */
  create(nowMs: number): Promise<Active>;
  /** What workloads verify with. */
  publicOf(active: Active): Public;
  /** Tells authorities apart: a serial number or a key ID. */
  idOf(material: Public): string;
  readonly store: AuthorityStore<Active, Public>;
}

/** Where authorities are kept between runs. */
export interface AuthorityStore<Active, Public> {
  /** What was saved, or why there is nothing that can be used. */
  load(nowMs: number): Promise<StoredAuthorities<Active, Public> | { readonly unusable: string }>;
  save(active: Active, others: readonly Public[]): Promise<void>;
}

/** What a store holds. */
export interface StoredAuthorities<Active, Public> {
  readonly active: Active;
  /** Others that were in the bundle; an SVID that one of them signed may still be in use. */
  readonly others: readonly Public[];
}

/** A store that keeps nothing: each start makes a new authority. */
export function createMemoryStore<Active, Public>(): AuthorityStore<Active, Public> {
  return { load: async () => ({ unusable: 'kept in memory' }), save: async () => {} };
}

/** Authorities of one kind and the moves between their roles. */
export class Authorities<Active, Public> {
  readonly #kind: AuthorityKind<Active, Public>;
  readonly #prepared = new Map<string, Active>();
  #active: Active;
  #others: readonly PublishedAuthority<Public>[];

  private constructor(kind: AuthorityKind<Active, Public>, active: Active, others: readonly Public[]) {
    this.#kind = kind;
    this.#active = active;
    this.#others = others.map((material) => ({ id: kind.idOf(material), material, role: 'retiring' }));
  }

  /** Takes up what the store holds, or makes a new authority and says why. */
  static async open<Active, Public>(
    kind: AuthorityKind<Active, Public>,
    nowMs: number,
  ): Promise<{ authorities: Authorities<Active, Public>; replaced?: string }> {
    const stored = await kind.store.load(nowMs);
    if ('active' in stored) return { authorities: new Authorities(kind, stored.active, stored.others) };
    const authorities = new Authorities(kind, await kind.create(nowMs), []);
    await authorities.#save();
    return { authorities, replaced: stored.unusable };
  }

  get active(): Active {
    return this.#active;
  }

  /** The active one first. */
  get published(): readonly PublishedAuthority<Public>[] {
    return [{ ...this.#describe(this.#active), role: 'active' }, ...this.#others];
  }

  /** The public parts, the active one's first. */
  get materials(): readonly Public[] {
    return this.published.map(({ material }) => material);
  }

  /** Makes the next one and publishes it; returns its ID. */
  async prepare(nowMs: number): Promise<string> {
    const next = await this.#kind.create(nowMs);
    const { id, material } = this.#describe(next);
    this.#prepared.set(id, next);
    this.#others = [...this.#others, { id, material, role: 'prepared' }];
    await this.#save();
    return id;
  }

  /** Lets a prepared one sign from now on; returns the ID of the one that it relieves. */
  async activate(id: string): Promise<string> {
    const next = this.#prepared.get(id);
    if (next === undefined) throw new Error(`bug: authority ${id} was not prepared`);
    this.#prepared.delete(id);
    const previous = this.#describe(this.#active);
    this.#active = next;
    this.#others = [...this.#others.filter((other) => other.id !== id), { ...previous, role: 'retiring' }];
    await this.#save();
    return previous.id;
  }

  /** Takes one out of the bundle; whether it was there. The active one can't be dropped. */
  async drop(id: string): Promise<boolean> {
    const others = this.#others.filter((other) => other.id !== id);
    if (others.length === this.#others.length) return false;
    this.#others = others;
    await this.#save();
    return true;
  }

  #describe(active: Active): { id: string; material: Public } {
    const material = this.#kind.publicOf(active);
    return { id: this.#kind.idOf(material), material };
  }

  async #save(): Promise<void> {
    await this.#kind.store.save(
      this.#active,
      this.#others.map(({ material }) => material),
    );
  }
}
