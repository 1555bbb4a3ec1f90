/**
 * What one workload's socket shows: its state, and those who watch it.
 */
import type { IssuedSvid } from './certificate-authority.ts';
import type { Registration } from './registration.ts';
import type { TrustBundle } from './trust-bundle.ts';

/** A registration with the SVID issued for it. */
export interface Identity {
  readonly registration: Registration;
  readonly svid: IssuedSvid;
}

/** The complete state; each change replaces it. */
export type WorkloadState =
  | {
      readonly type: 'registered';
      readonly identities: readonly Identity[];
      /** The own trust domain's first, then those that it federates with for this workload. */
      readonly bundles: readonly [own: TrustBundle, ...federated: TrustBundle[]];
    }
  /** Its first SVID is being issued. */
  | { readonly type: 'starting' }
  | { readonly type: 'unregistered' }
  /** The trust domain is stopping. */
  | { readonly type: 'closing' };

/** Told of each state; the promise settles when the watcher has passed it on. */
export type WorkloadWatcher = (state: WorkloadState) => Promise<void>;

/** One workload. */
export class Workload {
  readonly #watchers = new Set<WorkloadWatcher>();
  #state: WorkloadState = { type: 'starting' };

  get state(): WorkloadState {
    return this.#state;
  }

  get watcherCount(): number {
    return this.#watchers.size;
  }

  /** Replaces the state; settles when every watcher has passed it on. */
  async publish(state: WorkloadState): Promise<void> {
    this.#state = state;
    await Promise.all([...this.#watchers].map((watcher) => watcher(state)));
  }

  /** Tells the watcher the present state at once, then each later one. Returns how to stop. */
  watch(watcher: WorkloadWatcher): () => void {
    this.#watchers.add(watcher);
    void watcher(this.#state);
    return () => void this.#watchers.delete(watcher);
  }
}
