/**
 * Calls that are still open, to be decided again when the policy, or what their peer was verified by, has changed. One
 * subscription serves all of a guard's calls, and there is none while nothing is open. A thousand open calls are asked
 * about in batches, with a turn of the event loop between them, so that new calls are not held up.
 */
import type { Refusal } from './authorize-call.ts';
import type { Decision, PolicyEngine } from './policy-engine.ts';

/** What may change a decision that was made. */
export interface Changes {
  readonly engine: Partial<Pick<PolicyEngine, 'subscribe'>>;
  /**
   * Calls back when the peers' verification may come out another way (a new bundle of the identity source, say). Returns how
   * to stop. Default: nothing but the policy changes.
   */
  readonly onChange?: (listener: () => void) => () => void;
}

const BATCH = 50;

/** The open calls of one guard. */
export class OpenCalls {
  readonly #changes: Changes;
  readonly #open = new Set<() => void>();
  readonly #pending = new Set<() => void>();
  #running = false;
  #stop: (() => void) | undefined;

  constructor(changes: Changes) {
    this.#changes = changes;
  }

  /** Calls `again` after each change. Returns how to end that. */
  add(again: () => void): () => void {
    const own = (): void => again();
    this.#open.add(own);
    if (this.#open.size === 1) this.#subscribe();
    return () => {
      this.#open.delete(own);
      this.#pending.delete(own);
      if (this.#open.size === 0) this.#unsubscribe();
    };
  }

  /** Decides every open call again, each once, within the next turns of the event loop. */
  readonly reconsider = (): void => {
    for (const again of this.#open) this.#pending.add(again);
    if (this.#running || this.#pending.size === 0) return;
    this.#running = true;
    setImmediate(this.#work);
  };

  readonly #work = (): void => {
    let left = BATCH;
    for (const again of this.#pending) {
      this.#pending.delete(again);
      again();
      left -= 1;
      if (left === 0) break;
    }
    this.#running = this.#pending.size > 0;
    if (this.#running) setImmediate(this.#work);
  };

  #subscribe(): void {
    const { engine, onChange } = this.#changes;
    const stops = [
      engine.subscribe?.((event) => {
        if (event.type === 'loaded' || event.type === 'closed') this.reconsider();
      }),
      onChange?.(this.reconsider),
    ];
    this.#stop = () => {
      for (const stop of stops) stop?.();
    };
  }

  #unsubscribe(): void {
    this.#stop?.();
    this.#stop = undefined;
  }
}

/**
 * What may change of a call while it is open: what its handler is obliged to, and that it is no longer allowed. Costs nothing
 * until somebody asks for the signal.
 */
export class Revocation {
  /** The latest decision that allows the call. */
  decision: Decision | undefined;
  readonly #onFirstUse: () => void;
  #controller: AbortController | undefined;
  #refusal: Refusal | undefined;

  constructor(onFirstUse: () => void = () => {}) {
    this.#onFirstUse = onFirstUse;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#refusal === undefined) this.#onFirstUse();
      else this.#controller.abort(this.#refusal);
    }
    return this.#controller.signal;
  }

  /** Once; the reason of the signal is the refusal. */
  revoke(refusal: Refusal): void {
    this.#refusal ??= refusal;
    this.#controller?.abort(this.#refusal);
  }
}
