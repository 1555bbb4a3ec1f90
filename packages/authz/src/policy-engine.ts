/**
 * The policy in use: loaded from a bundle file or server, followed when it changes, asked for each call. The last good
 * policy stays when a new one is refused; while there is none, nothing is decided and guards refuse every call.
 */
import { randomUUID } from 'node:crypto';
import type { ArchiveLimits } from './bundle/bundle-archive.ts';
import type { BundleSource } from './bundle/bundle-source.ts';
import { createDataFolder, type DataFolder } from './bundle/data-folder.ts';
import { createFileBundleSource } from './bundle/file-bundle-source.ts';
import { type BundleServerOptions, createHttpBundleSource } from './bundle/http-bundle-source.ts';
import { PolicyLoader } from './bundle/policy-loader.ts';
import { type BundleKey, createBundleVerifier } from './bundle/signature.ts';
import { AuthzError } from './errors.ts';
import { type Obligation, type PolicyInput, type PolicyResult, parsePolicyInput } from './policy-document.ts';
import type { PolicyModule } from './policy-module.ts';

/** A decision about one call. Frozen: nothing downstream turns a refusal into an allowance. */
export interface Decision extends PolicyResult {
  readonly obligations: readonly Obligation[];
  /** UUID, the same in the answer, the log, the span and the decision record. */
  readonly decisionId: string;
  /** Revision of the policy that decided. */
  readonly revision: string;
}

/** What is known about the source, whether or not there is a policy. */
export interface PolicySourceStatus {
  /** The bundle's path, or its server's URL without query. */
  readonly source: string;
  /** When the source last had a good bundle, or still the one in use. */
  readonly checkedAt?: Date;
  /** Looks that failed since then. */
  readonly failedChecks: number;
}

/** Whether there is a policy, and what is wrong when there is none or a new one was refused. */
export type PolicyStatus =
  | (PolicySourceStatus & {
      readonly state: 'loaded';
      readonly revision: string;
      /** When the policy in use was taken into use. */
      readonly loadedAt: Date;
      /** Whether the source has failed for so long that the policy may be an old one. It still decides. */
      readonly stale: boolean;
      readonly error?: AuthzError;
    })
  | (PolicySourceStatus & { readonly state: 'unavailable'; readonly error: AuthzError });

/** What a subscriber is told. */
export type PolicyEvent =
  /** Another policy is in use: what was decided before may be asked again. */
  | { readonly type: 'loaded'; readonly revision: string }
  /** A bundle or data was refused, or the source gave none; the last good policy, if any, stays. */
  | { readonly type: 'refused'; readonly error: AuthzError }
  /** Source or data are in order again, with the policy that is in use. */
  | { readonly type: 'recovered'; readonly revision: string }
  /** The engine was closed: nothing is decided any more. */
  | { readonly type: 'closed' };

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
  /** Reads bundle and data again now. Never rejects: see {@link PolicyEngine.status}. */
  reload(): Promise<PolicyStatus>;
  /** Calls back after each load and each refusal. Returns how to stop. */
  subscribe(listener: (event: PolicyEvent) => void): () => void;
  /** Stops watching and drops the policy: from now on nothing is decided. */
  close(): void;
}

/** Where the policy comes from: `bundlePath` or `server`, one of them. */
export interface PolicyEngineOptions {
  /** The bundle that `opa build -t wasm -e countersign/authz/decision` wrote. */
  readonly bundlePath?: string | URL;
  /** How often the file is looked at, in milliseconds, by its modification time; symbolic links are followed. Default 1000; 0 never. */
  readonly watchIntervalMs?: number;
  /** A bundle server, instead of a file. */
  readonly server?: BundleServerOptions;
  /** Keys that may sign bundles. With one, a bundle without its signature is refused. Default: none, and none is looked at. */
  readonly verificationKeys?: readonly BundleKey[];
  /**
   * A folder of JSON files whose data replaces that of an unsigned bundle, for development: an edit counts within a second.
   * Not together with `verificationKeys`. Default: none.
   */
  readonly dataPath?: string;
  /** How often that folder is looked at, in milliseconds. Default 500; 0 only by {@link PolicyEngine.reload}. */
  readonly dataIntervalMs?: number;
  /** After how many failed looks in a row the policy is stale. Default 3. */
  readonly staleAfterChecks?: number;
  /** Or after how many milliseconds of failure. Default 300 000. */
  readonly staleAfterMs?: number;
  /** Bounds on what is read. */
  readonly limits?: ArchiveLimits;
  /** The clock of the status, in milliseconds since the epoch. Default `Date.now`. */
  readonly now?: () => number;
}

const MAX_BYTES = 16 * 1024 * 1024;

/**
 * Creates the engine and loads the bundle. It does not reject when the bundle is missing or refused: the service then
 * runs, is not ready, and refuses every call, until a good bundle is there.
 * @throws {TypeError} when an option is out of range, or options contradict each other.
 * @example
 * const engine = await createPolicyEngine({ bundlePath: 'policies/bundle.tar.gz' });
 */
export async function createPolicyEngine(options: PolicyEngineOptions): Promise<PolicyEngine> {
  const { verificationKeys: keys, dataPath, dataIntervalMs, limits = {} } = options;
  if (keys !== undefined && dataPath !== undefined)
    throw new TypeError('policy engine: dataPath can not be used with verificationKeys: signed data is not replaced');
  const source = sourceOf(options);
  const verifier = keys === undefined ? undefined : createBundleVerifier(keys);
  const folder = dataPath === undefined ? undefined : dataFolderOf(dataPath, dataIntervalMs, limits);
  const loader = new PolicyLoader({ ...limits, verifier });
  const engine = new SourcedPolicyEngine(source, folder, loader, options);
  await engine.reload();
  engine.follow();
  return engine;
}

function sourceOf(options: PolicyEngineOptions): BundleSource {
  const { bundlePath, server, watchIntervalMs = 1000, limits = {} } = options;
  const { maxBytes = MAX_BYTES } = limits;
  if (bundlePath !== undefined && server === undefined)
    return createFileBundleSource(bundlePath, watchIntervalMs, maxBytes);
  if (server !== undefined && bundlePath === undefined) return createHttpBundleSource(server, maxBytes);
  throw new TypeError('policy engine: needs bundlePath or server, and not both');
}

function dataFolderOf(path: string, intervalMs: number | undefined, limits: ArchiveLimits): DataFolder {
  const { maxInflatedBytes = 8 * MAX_BYTES } = limits;
  return createDataFolder({ path, maxBytes: maxInflatedBytes, ...(intervalMs === undefined ? {} : { intervalMs }) });
}

class SourcedPolicyEngine implements PolicyEngine {
  readonly #source: BundleSource;
  readonly #folder: DataFolder | undefined;
  readonly #loader: PolicyLoader;
  readonly #listeners = new Set<(event: PolicyEvent) => void>();
  readonly #options: PolicyEngineOptions;
  #policy: PolicyModule | undefined;
  #peers = new Map<string, ReadonlySet<string>>();
  #health: SourceHealth = { failedChecks: 0 };
  #loadedAt: number | undefined;
  #dataError: AuthzError | undefined;
  #closed = false;
  #applying: Promise<unknown> = Promise.resolve();

  constructor(
    source: BundleSource,
    folder: DataFolder | undefined,
    loader: PolicyLoader,
    options: PolicyEngineOptions,
  ) {
    this.#source = source;
    this.#folder = folder;
    this.#loader = loader;
    this.#options = options;
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
    const { checkedAt, failedChecks } = this.#health;
    const checked = checkedAt === undefined ? {} : { checkedAt: new Date(checkedAt) };
    const known = { source: this.#source.name, failedChecks, ...checked };
    if (this.#policy === undefined) return { state: 'unavailable', error: this.#unavailable(), ...known };
    const error = this.#error();
    return {
      state: 'loaded',
      revision: this.#policy.revision,
      loadedAt: new Date(this.#loadedAt ?? 0),
      stale: this.#isStale(),
      ...known,
      ...(error === undefined ? {} : { error }),
    };
  }

  async reload(): Promise<PolicyStatus> {
    await this.#lookAtBundle(false);
    if (this.#folder !== undefined) await this.#lookAtData(this.#folder);
    return this.status();
  }

  subscribe(listener: (event: PolicyEvent) => void): () => void {
    // A function of its own for each call, so that one listener subscribed twice is stopped once.
    const own = (event: PolicyEvent): void => listener(event);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  follow(): void {
    const folder = this.#folder;
    this.#source.follow((wait) => this.#lookAtBundle(wait));
    folder?.follow(() => this.#lookAtData(folder));
  }

  close(): void {
    this.#closed = true;
    this.#source.close();
    this.#folder?.close();
    this.#policy = undefined;
    this.#peers = new Map();
    this.#tell({ type: 'closed' });
    this.#listeners.clear();
  }

  /** Whether all went well. What takes long is the reading; what was read takes effect one after the other. */
  async #lookAtBundle(wait: boolean): Promise<boolean> {
    if (this.#closed) return false;
    const reading = this.#source.read(wait);
    return this.#next(async () => {
      try {
        const read = await reading;
        if (read === undefined) return this.#stillGood();
        const policy = await this.#loader.bundle(read.bytes);
        if (this.#closed) return false;
        read.accepted();
        this.#succeeded();
        this.#take(policy);
        return true;
      } catch (cause) {
        return this.#bundleFailed(errorOf(cause));
      }
    }, reading);
  }

  async #lookAtData(folder: DataFolder): Promise<void> {
    if (this.#closed) return;
    await this.#next(async () => {
      try {
        const policy = this.#loader.data(await folder.read());
        if (this.#closed) return;
        const failed = this.#dataError !== undefined;
        this.#dataError = undefined;
        if (policy !== undefined) this.#take(policy);
        else if (failed) this.#recovered();
      } catch (cause) {
        if (this.#closed) return;
        this.#dataError = dataError(cause);
        this.#tell({ type: 'refused', error: this.#dataError });
      }
    });
  }

  /** Waits for what was asked before, and for `first`, which may take as long as a long poll and holds nothing else up. */
  async #next<T>(run: () => Promise<T>, first?: Promise<unknown>): Promise<T> {
    await first?.catch(() => undefined);
    const result = this.#applying.then(run);
    this.#applying = result;
    return result;
  }

  /** The swap: decisions, the handshake's list and the revision change in one step. */
  #take(policy: PolicyModule): void {
    this.#policy = policy;
    this.#peers = peersByService(policy);
    this.#loadedAt = this.#now();
    this.#tell({ type: 'loaded', revision: policy.revision });
  }

  #stillGood(): boolean {
    const failed = this.#health.failedChecks > 0;
    this.#succeeded();
    if (failed) this.#recovered();
    return true;
  }

  #recovered(): void {
    if (this.#policy !== undefined) this.#tell({ type: 'recovered', revision: this.#policy.revision });
  }

  #succeeded(): void {
    this.#health = { checkedAt: this.#now(), failedChecks: 0 };
  }

  #bundleFailed(error: AuthzError): boolean {
    if (this.#closed) return false;
    const { failedChecks, failingSince = this.#now(), checkedAt } = this.#health;
    this.#health = { checkedAt, failedChecks: failedChecks + 1, failingSince, error };
    this.#tell({ type: 'refused', error });
    return false;
  }

  #isStale(): boolean {
    const { staleAfterChecks = 3, staleAfterMs = 300_000 } = this.#options;
    const { failedChecks, failingSince } = this.#health;
    return (
      failedChecks >= staleAfterChecks || (failingSince !== undefined && this.#now() - failingSince >= staleAfterMs)
    );
  }

  #now(): number {
    return (this.#options.now ?? Date.now)();
  }

  #error(): AuthzError | undefined {
    return this.#health.error ?? this.#dataError;
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
    const cause = this.#error();
    const message = cause === undefined ? 'policy: none is loaded' : `policy: none is loaded: ${cause.message}`;
    return new AuthzError('POLICY_UNAVAILABLE', message, cause === undefined ? {} : { cause });
  }
}

/** How the source does. */
interface SourceHealth {
  readonly checkedAt?: number | undefined;
  readonly failedChecks: number;
  readonly failingSince?: number;
  readonly error?: AuthzError;
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

function errorOf(cause: unknown): AuthzError {
  if (cause instanceof AuthzError) return cause;
  const why = cause instanceof Error ? cause.message : String(cause);
  return new AuthzError('BUNDLE_INVALID', `policy bundle: the bundle could not be loaded: ${why}`, { cause });
}

/** Whatever is wrong with data of a folder is said to be the folder's: the bundle is fine. */
function dataError(cause: unknown): AuthzError {
  const error = errorOf(cause);
  if (error.code === 'DATA_INVALID') return error;
  return new AuthzError('DATA_INVALID', `policy data: ${error.message}`, { cause });
}
