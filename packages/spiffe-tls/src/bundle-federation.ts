/**
 * Federation as its client sees it: which foreign trust domains are trusted, and their bundles, kept current by asking each
 * trust domain's bundle endpoint (Federation 4 to 6). Bundles stay apart by trust domain: none is ever merged with another.
 */
import type { SpiffeBundle } from './bundle-document.ts';
import { type Clock, createSystemClock } from './clock.ts';
import { quote, SpiffeTlsError } from './errors.ts';
import { FederatedEndpoint, type FederationRelationship, type FederationStatus } from './federated-endpoint.ts';
import { JwtBundleSet } from './jwt-bundle.ts';
import type { TrustDomain } from './trust-domain.ts';
import { X509BundleSet, type X509BundleSource } from './x509-bundle.ts';

/** Options of {@link createBundleFederation}. */
export interface BundleFederationOptions {
  /** Trust domains to federate with from the start. */
  readonly relationships?: readonly FederationRelationship[];
  /**
   * Verifies an `https_spiffe` endpoint that is a member of another trust domain than the one whose bundle it serves, of our
   * own, say. Default: none.
   */
  readonly endpointBundles?: X509BundleSource;
  /** For one question, redirects included. Default 10 000. */
  readonly timeoutMs?: number;
  /** Time, for tests. Default: the system's, with timers that do not keep the process alive. */
  readonly clock?: Clock;
}

/** What a subscriber is told, after the bundles show it. */
export type FederationEvent =
  | { readonly type: 'update'; readonly bundle: SpiffeBundle }
  | { readonly type: 'removed'; readonly trustDomain: TrustDomain }
  /** The endpoint failed, or served what can't be used; the last good bundle stays in use. */
  | { readonly type: 'error'; readonly trustDomain: TrustDomain; readonly error: SpiffeTlsError };

/** Live bundles of foreign trust domains. */
export interface BundleFederation extends AsyncDisposable {
  /**
   * Federates with a trust domain and begins to ask its endpoint at once, then as often as its document hints (300 s where it
   * says nothing, never below 5 s), after failures too.
   * @throws {SpiffeTlsError} `BUNDLE_ENDPOINT` for an address that is not valid, `INVALID_BUNDLE` for another one's bootstrap.
   * @throws {TypeError} when there is a relationship with that trust domain already: take it back first.
   */
  federate(relationship: FederationRelationship): void;
  /** Takes a relationship back: its bundle is gone at once and its endpoint is asked no more. `false` if there was none. */
  unfederate(trustDomain: TrustDomain): boolean;
  /** Asks now. Rejects with why there is no new document, or when there is no such relationship. */
  refresh(trustDomain: TrustDomain): Promise<void>;
  /** The bundle in use; `undefined` when there is no relationship, or nothing was fetched yet. */
  get(trustDomain: TrustDomain): SpiffeBundle | undefined;
  /** The X.509 bundles of this moment. A new set after each change. */
  x509(): X509BundleSet;
  /** The JWT bundles of this moment. A new set after each change. */
  jwt(): JwtBundleSet;
  status(): FederationStatus[];
  /** Calls back on each change. Returns how to stop. */
  subscribe(listener: (event: FederationEvent) => void): () => void;
  /** Asks no more and forgets every bundle. Idempotent. */
  close(): void;
}

/**
 * Makes a federation.
 * @example
 * const federation = createBundleFederation();
 * federation.federate({
 *   trustDomain: TrustDomain.parse('partner.example'),
 *   endpointUrl: 'https://bundles.partner.example/',
 *   profile: { type: 'https_web' },
 * });
 * const source = createFederatedX509Source(workloadSource, federation);
 */
export function createBundleFederation(options: BundleFederationOptions = {}): BundleFederation {
  const federation = new LiveFederation(options);
  for (const relationship of options.relationships ?? []) federation.federate(relationship);
  return federation;
}

class LiveFederation implements BundleFederation {
  readonly #options: BundleFederationOptions;
  readonly #clock: Clock;
  readonly #endpoints = new Map<string, FederatedEndpoint>();
  readonly #listeners = new Set<(event: FederationEvent) => void>();
  #closed = false;
  #x509 = X509BundleSet.of();
  #jwt = JwtBundleSet.of();

  constructor(options: BundleFederationOptions) {
    this.#options = options;
    this.#clock = options.clock ?? createSystemClock({ unref: true });
  }

  federate(relationship: FederationRelationship): void {
    const { trustDomain } = relationship;
    if (this.#closed) throw new SpiffeTlsError('SOURCE_CLOSED', 'federation: closed');
    if (this.#endpoints.has(trustDomain.name)) {
      throw new TypeError(`federation: there is a relationship with ${quote(trustDomain.name)}; take it back first`);
    }
    const { endpointBundles, timeoutMs } = this.#options;
    const endpoint = new FederatedEndpoint(relationship, {
      clock: this.#clock,
      ...(endpointBundles !== undefined && { endpointBundles }),
      ...(timeoutMs !== undefined && { timeoutMs }),
      onUpdate: (bundle) => this.#change({ type: 'update', bundle }),
      onError: (error) => this.#emit({ type: 'error', trustDomain, error }),
    });
    this.#endpoints.set(trustDomain.name, endpoint);
    if (endpoint.bundle !== undefined) this.#change({ type: 'update', bundle: endpoint.bundle });
    endpoint.start();
  }

  unfederate(trustDomain: TrustDomain): boolean {
    const endpoint = this.#endpoints.get(trustDomain.name);
    if (endpoint === undefined) return false;
    endpoint.close();
    this.#endpoints.delete(trustDomain.name);
    this.#change({ type: 'removed', trustDomain });
    return true;
  }

  async refresh(trustDomain: TrustDomain): Promise<void> {
    const endpoint = this.#endpoints.get(trustDomain.name);
    if (endpoint !== undefined) return endpoint.poll();
    throw new SpiffeTlsError('NO_BUNDLE', `federation: there is no relationship with ${quote(trustDomain.name)}`);
  }

  get(trustDomain: TrustDomain): SpiffeBundle | undefined {
    return this.#endpoints.get(trustDomain.name)?.bundle;
  }

  x509(): X509BundleSet {
    return this.#x509;
  }

  jwt(): JwtBundleSet {
    return this.#jwt;
  }

  status(): FederationStatus[] {
    return Array.from(this.#endpoints.values(), (endpoint) => endpoint.status());
  }

  subscribe(listener: (event: FederationEvent) => void): () => void {
    const entry = (event: FederationEvent) => listener(event);
    this.#listeners.add(entry);
    return () => void this.#listeners.delete(entry);
  }

  close(): void {
    this.#closed = true;
    for (const { relationship } of [...this.#endpoints.values()]) this.unfederate(relationship.trustDomain);
    this.#listeners.clear();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }

  #change(event: FederationEvent): void {
    const bundles = [...this.#endpoints.values()].flatMap(({ bundle }) => (bundle === undefined ? [] : [bundle]));
    this.#x509 = X509BundleSet.of(...bundles.map(({ x509 }) => x509));
    this.#jwt = JwtBundleSet.of(...bundles.map(({ jwt }) => jwt));
    this.#emit(event);
  }

  #emit(event: FederationEvent): void {
    for (const listener of [...this.#listeners]) if (this.#listeners.has(listener)) listener(event);
  }
}
