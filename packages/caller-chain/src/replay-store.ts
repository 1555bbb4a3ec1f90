/**
 * The links that were accepted, until none of them would be accepted again anyway. Bounded, and it forgets nothing before its
 * time: a store that is full refuses, because one that evicts could be filled to make it forget.
 */

/** Remembers links, in this process alone: replicas do not share what they saw. */
export class ReplayStore {
  readonly #limit: number;
  readonly #seen = new Set<string>();
  /** What ends in each second. Seconds are few, because a link's life is short: looking at all of them is cheap. */
  readonly #bySecond = new Map<number, string[]>();
  #sweptSecond = Number.NEGATIVE_INFINITY;
  /** The latest second of which entries were forgotten. It never goes back, though the clock may. */
  #forgottenSecond = Number.NEGATIVE_INFINITY;

  /** @param limit how many links are remembered at once */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** How many links are remembered. */
  get size(): number {
    return this.#seen.size;
  }

  /**
   * Tests and remembers, in one step. `over`: links that ended then were forgotten already, so the clock was set back since,
   * and nobody can say whether this one was among them.
   * @param key what no two links have in common
   * @param untilMs until when the link could be accepted, in milliseconds since the epoch
   */
  add(key: string, untilMs: number, nowMs: number): 'new' | 'seen' | 'full' | 'over' {
    this.#sweep(Math.floor(nowMs / 1_000));
    const second = Math.ceil(untilMs / 1_000);
    if (this.#seen.has(key)) return 'seen';
    if (second <= this.#forgottenSecond) return 'over';
    if (this.#seen.size >= this.#limit) return 'full';
    this.#seen.add(key);
    const others = this.#bySecond.get(second);
    if (others === undefined) this.#bySecond.set(second, [key]);
    else others.push(key);
    return 'new';
  }

  /** Once a second, also when the clock was set back: otherwise nothing would be forgotten until it has caught up. */
  #sweep(second: number): void {
    if (second === this.#sweptSecond) return;
    this.#sweptSecond = second;
    for (const [until, keys] of this.#bySecond) {
      if (until >= second) continue;
      for (const key of keys) this.#seen.delete(key);
      this.#bySecond.delete(until);
      this.#forgottenSecond = Math.max(this.#forgottenSecond, until);
    }
  }
}
