/**
 * One federation relationship: the bundle as it was last fetched, and when to ask again.
 */
import type { SpiffeBundle } from './bundle-document.ts';
import { equalBundles } from './bundle-document.ts';
import type { Clock } from './clock.ts';
import { quote, refusal, type SpiffeTlsError } from './errors.ts';
import { type BundleEndpoint, fetchBundle, parseEndpointUrl } from './fetch-bundle.ts';
import { toSpiffeTlsError } from './refusal.ts';
import type { TrustDomain } from './trust-domain.ts';
import type { X509Bundle, X509BundleSource } from './x509-bundle.ts';

const DEFAULT_REFRESH_MS = 300_000;
/** A publisher can't make us ask in a tight loop, nor stop asking. */
const MIN_REFRESH_MS = 5000;
const MAX_REFRESH_MS = 86_400_000;

/** A trust domain to federate with. */
export interface FederationRelationship extends BundleEndpoint {
  /**
   * The bundle as it was received out of band. An `https_spiffe` endpoint that is a member of the very trust domain it serves
   * is verified with it until a first document was fetched, and with the latest one from then on.
   */
  readonly bootstrap?: SpiffeBundle;
}

/** How one relationship stands: for a readiness page and metrics. */
export interface FederationStatus {
  /** With whom. */
  readonly trustDomain: TrustDomain;
  /** Where its bundle is fetched. */
  readonly endpointUrl: string;
  /** Of the bundle in use. */
  readonly sequence?: bigint;
  /** When a document was last fetched and accepted, in milliseconds since the epoch. */
  readonly fetchedMs?: number;
  /** When the endpoint is asked again. */
  readonly nextPollMs?: number;
  /** Why the last question failed, until one succeeds. The last good bundle stays in use. */
  readonly lastError?: SpiffeTlsError;
}

/** What the owner of a relationship provides. */
export interface FederatedEndpointOptions {
  /** Verifies `https_spiffe` endpoints of other trust domains than the one federated with. */
  readonly endpointBundles?: X509BundleSource;
  readonly timeoutMs?: number;
  readonly clock: Clock;
  readonly onUpdate: (bundle: SpiffeBundle) => void;
  readonly onError: (error: SpiffeTlsError) => void;
}

/** See the head of this file. It asks from `start()` until `close()`. */
export class FederatedEndpoint {
  readonly relationship: FederationRelationship;
  readonly #options: FederatedEndpointOptions;
  readonly #closing = new AbortController();
  #bundle: SpiffeBundle | undefined;
  #fetchedMs: number | undefined;
  #lastError: SpiffeTlsError | undefined;
  #next: { readonly atMs: number; readonly cancel: () => void } | undefined;
  #polling: Promise<void> | undefined;

  constructor(relationship: FederationRelationship, options: FederatedEndpointOptions) {
    const { trustDomain, bootstrap, endpointUrl } = relationship;
    parseEndpointUrl(endpointUrl);
    if (bootstrap !== undefined && !bootstrap.trustDomain.equals(trustDomain)) {
      const rule = `the bootstrap bundle must be that of ${quote(trustDomain.name)}`;
      throw refusal('INVALID_BUNDLE', 'federation', rule, quote(bootstrap.trustDomain.name));
    }
    this.relationship = relationship;
    this.#options = options;
    this.#bundle = bootstrap;
  }

  get bundle(): SpiffeBundle | undefined {
    return this.#bundle;
  }

  status(): FederationStatus {
    const { trustDomain, endpointUrl } = this.relationship;
    return {
      trustDomain,
      endpointUrl,
      ...(this.#bundle?.sequence !== undefined && { sequence: this.#bundle.sequence }),
      ...(this.#fetchedMs !== undefined && { fetchedMs: this.#fetchedMs }),
      ...(this.#next !== undefined && { nextPollMs: this.#next.atMs }),
      ...(this.#lastError !== undefined && { lastError: this.#lastError }),
    };
  }

  /** Begins to ask. */
  start(): void {
    this.poll().catch(() => {});
  }

  /** Asks now, or joins the question under way. Rejects with why there is no new document. */
  poll(): Promise<void> {
    this.#polling ??= this.#poll().finally(() => {
      this.#polling = undefined;
    });
    return this.#polling;
  }

  close(): void {
    this.#closing.abort();
    this.#next?.cancel();
    this.#next = undefined;
  }

  async #poll(): Promise<void> {
    this.#next?.cancel();
    this.#next = undefined;
    const { signal } = this.#closing;
    const { clock, timeoutMs } = this.#options;
    const bundles: X509BundleSource = { get: (trustDomain) => this.#endpointBundle(trustDomain) };
    try {
      const bundle = await fetchBundle(this.relationship, {
        bundles,
        clock,
        signal,
        ...(timeoutMs !== undefined && { timeoutMs }),
      });
      if (!signal.aborted) this.#accept(bundle);
    } catch (cause) {
      if (!signal.aborted) this.#fail(toSpiffeTlsError(cause));
      throw cause;
    } finally {
      if (!signal.aborted) this.#schedule();
    }
  }

  /** A member of the trust domain federated with is verified by what that one published last (Federation 5.2.2.4). */
  #endpointBundle(trustDomain: TrustDomain): X509Bundle | undefined {
    if (trustDomain.equals(this.relationship.trustDomain)) return this.#bundle?.x509;
    return this.#options.endpointBundles?.get(trustDomain);
  }

  #accept(bundle: SpiffeBundle): void {
    const before = this.#bundle;
    if (before?.sequence !== undefined && bundle.sequence !== undefined && bundle.sequence < before.sequence) {
      const rule = `the sequence of ${quote(bundle.trustDomain.name)} must not go back from ${before.sequence}`;
      throw refusal('BUNDLE_ENDPOINT', 'federation', rule, `${bundle.sequence}`);
    }
    this.#bundle = bundle;
    this.#fetchedMs = this.#options.clock.now();
    this.#lastError = undefined;
    if (before === undefined || !equalBundles(before, bundle)) this.#options.onUpdate(bundle);
  }

  #fail(error: SpiffeTlsError): void {
    const repeated = this.#lastError?.message === error.message;
    this.#lastError = error;
    // The same failure again and again, as while an endpoint is down, is told once.
    if (!repeated) this.#options.onError(error);
  }

  /** After a failure too: an endpoint in trouble is not asked more often (Federation 6.2). */
  #schedule(): void {
    const { clock } = this.#options;
    const hint = this.#bundle?.refreshHintMs ?? 0;
    const delayMs = hint === 0 ? DEFAULT_REFRESH_MS : Math.min(Math.max(hint, MIN_REFRESH_MS), MAX_REFRESH_MS);
    this.#next = { atMs: clock.now() + delayMs, cancel: clock.schedule(delayMs, () => this.start()) };
  }
}
