/**
 * The policy in use: loaded from a bundle file, followed when the file changes, asked for each call. The last good policy
 * stays when a new one is refused; while there is none, nothing is decided and guards refuse every call.
 */
import { randomUUID } from 'node:crypto';
import { unwatchFile, watchFile } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { ArchiveLimits } from './bundle-archive.ts';
import { AuthzError } from './errors.ts';
import { parsePolicyBundle } from './policy-bundle.ts';
import { type Obligation, type PolicyInput, type PolicyResult, parsePolicyInput } from './policy-document.ts';
import { createPolicyModule, type PolicyModule } from './policy-module.ts';

/** A decision about one call. Frozen: nothing downstream turns a refusal into an allowance. */
export interface Decision extends PolicyResult {
  readonly obligations: readonly Obligation[];
  /** UUID, the same in the answer, the log, the span and the decision record. */
  readonly decisionId: string;
  /** Revision of the policy that decided. */
  readonly revision: string;
}

/** Whether there is a policy, and what is wrong when there is none or a new one was refused. */
export type PolicyStatus =
  | { readonly state: 'loaded'; readonly revision: string; readonly error?: AuthzError }
  | { readonly state: 'unavailable'; readonly error: AuthzError };

/** What a subscriber is told. */
export type PolicyEvent =
  /** Another policy is in use: what was decided before may be asked again. */
  | { readonly type: 'loaded'; readonly revision: string }
  /** A bundle was refused; the last good policy, if any, stays. */
  | { readonly type: 'refused'; readonly error: AuthzError };

/** Asked for each call by the guards. */
export interface PolicyEngine {
  /**
   * Decides, synchronously.
   * @param decisionId the decision's UUID; made here by default
   * @throws {AuthzError} `POLICY_UNAVAILABLE`, `POLICY_FAILED`, `RESULT_INVALID` or `INPUT_INVALID`: nothing was decided, and
   * the caller refuses.
   */
  decide(input: PolicyInput, decisionId?: string): Decision;
  /** The SPIFFE IDs that some grant for this service names: who may connect to it at all. Empty while no policy is loaded. */
  peersOf(self: string): ReadonlySet<string>;
  status(): PolicyStatus;
  /** Reads the bundle again now. Never rejects: see {@link PolicyEngine.status}. */
  reload(): Promise<PolicyStatus>;
  /** Calls back after each load and each refusal. Returns how to stop. */
  subscribe(listener: (event: PolicyEvent) => void): () => void;
  /** Stops watching and drops the policy: from now on nothing is decided. */
  close(): void;
}

/** Where the policy comes from. */
export interface PolicyEngineOptions {
  /** The bundle that `opa build -t wasm -e countersign/authz/decision` wrote. */
  readonly bundlePath: string | URL;
  /** How often the file is looked at, in milliseconds, by its modification time; symbolic links are followed. Default 1000; 0 never. */
  readonly watchIntervalMs?: number;
  /** Bounds on what is read. */
  readonly limits?: ArchiveLimits;
}

/**
 * Creates the engine and loads the bundle. It does not reject when the bundle is missing or refused: the service then
 * runs, is not ready, and refuses every call, until a good bundle is there.
 * @throws {TypeError} when an option is out of range.
 * @example
 * const engine = await createPolicyEngine({ bundlePath: 'policies/bundle.tar.gz' });
 */
export async function createPolicyEngine(options: PolicyEngineOptions): Promise<PolicyEngine> {
  const { bundlePath, watchIntervalMs = 1000, limits = {} } = options;
  if (!Number.isInteger(watchIntervalMs) || watchIntervalMs < 0)
    throw new TypeError(`policy engine: watchIntervalMs must be an integer from 0, got ${watchIntervalMs}`);
  const path = bundlePath instanceof URL ? fileURLToPath(bundlePath) : bundlePath;
  const engine = new FilePolicyEngine(path, limits);
  await engine.reload();
  if (watchIntervalMs > 0) engine.watch(watchIntervalMs);
  return engine;
}

class FilePolicyEngine implements PolicyEngine {
  readonly #path: string;
  readonly #limits: ArchiveLimits;
  readonly #listeners = new Set<(event: PolicyEvent) => void>();
  readonly #onChange = (): void => void this.reload();
  #policy: PolicyModule | undefined;
  #peers = new Map<string, ReadonlySet<string>>();
  #error: AuthzError | undefined;
  #closed = false;
  #loading: Promise<PolicyStatus> = Promise.resolve(this.status());

  constructor(path: string, limits: ArchiveLimits) {
    this.#path = path;
    this.#limits = limits;
  }

  decide(input: PolicyInput, decisionId: string = randomUUID()): Decision {
    const policy = this.#policy;
    if (policy === undefined) throw this.#unavailable();
    const { allow, reason, rule, obligations } = policy.evaluate(parsePolicyInput(input));
    for (const obligation of obligations) Object.freeze(Object.freeze(obligation).fields);
    const decision = { allow, reason, rule, obligations: Object.freeze(obligations), decisionId };
    return Object.freeze({ ...decision, revision: policy.revision });
  }

  peersOf(self: string): ReadonlySet<string> {
    return this.#peers.get(self) ?? new Set();
  }

  status(): PolicyStatus {
    const error = this.#error === undefined ? {} : { error: this.#error };
    if (this.#policy !== undefined) return { state: 'loaded', revision: this.#policy.revision, ...error };
    return { state: 'unavailable', error: this.#unavailable() };
  }

  /** One load after the other, so that the last one asked for is the last one to take effect. */
  reload(): Promise<PolicyStatus> {
    this.#loading = this.#loading.then(() => this.#load());
    return this.#loading;
  }

  subscribe(listener: (event: PolicyEvent) => void): () => void {
    // A function of its own for each call, so that one listener subscribed twice is stopped once.
    const own = (event: PolicyEvent): void => listener(event);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  watch(interval: number): void {
    watchFile(this.#path, { persistent: false, interval }, this.#onChange);
  }

  close(): void {
    this.#closed = true;
    unwatchFile(this.#path, this.#onChange);
    this.#listeners.clear();
    this.#policy = undefined;
    this.#peers = new Map();
  }

  async #load(): Promise<PolicyStatus> {
    if (this.#closed) return this.status();
    try {
      const policy = createPolicyModule(await parsePolicyBundle(await this.#read(), this.#limits));
      if (this.#closed) return this.status();
      this.#policy = policy;
      this.#peers = peersByService(policy);
      this.#error = undefined;
      this.#tell({ type: 'loaded', revision: policy.revision });
    } catch (cause) {
      const error = cause instanceof AuthzError ? cause : wrapped('the bundle could not be loaded', cause);
      this.#error = error;
      this.#tell({ type: 'refused', error });
    }
    return this.status();
  }

  async #read(): Promise<Uint8Array> {
    try {
      return await readFile(this.#path);
    } catch (cause) {
      throw wrapped('the file must be readable', cause);
    }
  }

  #tell(event: PolicyEvent): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(event);
      } catch (error) {
        // A subscriber's mistake is no reason to refuse a policy; it must not go unseen either.
        process.emitWarning(error instanceof Error ? error : String(error));
      }
    }
  }

  #unavailable(): AuthzError {
    const cause = this.#error;
    const message = cause === undefined ? 'policy: none is loaded' : `policy: none is loaded: ${cause.message}`;
    return new AuthzError('POLICY_UNAVAILABLE', message, cause === undefined ? {} : { cause });
  }
}

/** Once for each load: the handshake looks a peer up, whatever the number of grants. A peer without an operation is none. */
function peersByService({ grants }: PolicyModule): Map<string, ReadonlySet<string>> {
  const services = Object.entries(grants);
  return new Map(services.map(([self, peers]) => [self, new Set(peersWithOperations(peers))]));
}

function peersWithOperations(peers: PolicyModule['grants'][string]): string[] {
  return Object.entries(peers)
    .filter(([, operations]) => Object.keys(operations).length > 0)
    .map(([peer]) => peer);
}

function wrapped(rule: string, cause: unknown): AuthzError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new AuthzError('BUNDLE_INVALID', `policy bundle: ${rule}: ${why}`, { cause });
}
