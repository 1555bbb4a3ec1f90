/**
 * The trust domains that this one federates with, and its own bundle document as they read it. Bundles of different trust
 * domains are never merged (SPIFFE Federation section 7.3).
 */
import { type Clock, quote, SpiffeTlsError, TrustDomain, X509Bundle } from '@countersign/spiffe-tls';
import { parseBundleDocument, toBundleDocument } from './bundle-document.ts';
import { type EndpointFederation, PolledBundles } from './endpoint-federation.ts';
import { DevTrustDomainError } from './errors.ts';
import type { FederationStatus } from './status.ts';
import { type TrustBundle, toBundleDer } from './trust-bundle.ts';

/** Readers that poll are told to come back this often: a development trust domain rotates in seconds, not in days. */
export const REFRESH_HINT_SECONDS = 5;

/** Told of each document. */
export type BundleListener = (document: string) => Promise<void>;

/** A trust domain whose bundle can be followed: what `startDevTrustDomain` returns. */
export interface FollowedTrustDomain {
  /** Its name. */
  readonly trustDomain: string;
  /** Tells the listener the present document at once, then each later one. Returns how to stop. */
  watchBundle(listener: BundleListener): () => void;
}

/** What {@link Federation} needs of its trust domain. */
export interface FederationOptions {
  readonly trustDomain: TrustDomain;
  readonly clock: Clock;
  readonly ownBundle: () => TrustBundle;
  /** Told when a bundle that is polled has changed. */
  readonly changed: (name: string) => void;
  /** Told when an endpoint begins to fail. */
  readonly failed: (name: string, error: SpiffeTlsError) => void;
}

/** The relationships of one trust domain. */
export class Federation {
  readonly #own: TrustDomain;
  readonly #ownBundle: () => TrustBundle;
  readonly #clock: Clock;
  readonly #bundles = new Map<string, TrustBundle>();
  readonly #stopFollowing = new Map<string, () => void>();
  readonly #listeners = new Set<BundleListener>();
  readonly #polled: PolledBundles;
  #sequence = 0;
  #publishedSequence = 0;
  #content = '';

  constructor({ trustDomain, ownBundle, clock, changed, failed }: FederationOptions) {
    this.#own = trustDomain;
    this.#ownBundle = ownBundle;
    this.#clock = clock;
    this.#polled = new PolledBundles({
      clock,
      endpointBundles: { get: (each) => this.#x509BundleOf(each) },
      onBundle: (other, bundle) => {
        this.#bundles.set(other.name, bundle);
        changed(other.name);
      },
      onError: (other, error) => failed(other.name, error),
    });
  }

  /** Names of the trust domains that it federates with. */
  names(): string[] {
    return [...new Set([...this.#bundles.keys(), ...this.#polled.status().map(({ trustDomain }) => trustDomain)])];
  }

  /** Each relationship; what is known of an endpoint where one is asked. */
  status(): FederationStatus[] {
    const polled = new Map(this.#polled.status().map((each) => [each.trustDomain, each]));
    return this.names().map((trustDomain) => polled.get(trustDomain) ?? { trustDomain });
  }

  /** Bundles of those named that it federates with. */
  bundlesOf(names: Iterable<string>): TrustBundle[] {
    return [...new Set(names)].flatMap((name) => this.#bundles.get(name) ?? []);
  }

  /** The own bundle document. The sequence number grows over restarts too, as it begins with the time. */
  document(): string {
    const bundle = this.#ownBundle();
    const content = toBundleDocument(bundle, { sequence: 0, refreshHintSeconds: REFRESH_HINT_SECONDS });
    if (content !== this.#content) {
      this.#content = content;
      this.#sequence = Math.max(this.#sequence + 1, Math.floor(this.#clock.now()));
    }
    return toBundleDocument(bundle, { sequence: this.#sequence, refreshHintSeconds: REFRESH_HINT_SECONDS });
  }

  /** Takes a bundle document in the place of what was known. @throws {DevTrustDomainError} `BUNDLE` */
  set(name: string, document: string): void {
    const trustDomain = this.#parseForeign(name);
    const bundle = parseBundleDocument(document, trustDomain);
    this.#stop(trustDomain);
    this.#bundles.set(name, bundle);
  }

  /**
   * Asks a bundle endpoint from now on. What was known stays until it answers.
   * @throws {DevTrustDomainError} `BUNDLE`
   */
  async poll(request: EndpointFederation): Promise<void> {
    const trustDomain = this.#parseForeign(request.trustDomain);
    const known = { get: (each: TrustDomain) => this.#x509BundleOf(each) };
    await this.#polled.start(trustDomain, this.#withKnownBundle(request), known);
    this.#stopFollower(trustDomain);
  }

  /** Takes each bundle of another trust domain; `changed` is told after the bundle was taken. */
  async follow(other: FollowedTrustDomain, changed: () => Promise<void>): Promise<void> {
    const trustDomain = this.#parseForeign(other.trustDomain);
    this.#stop(trustDomain);
    let first: Promise<void> | undefined;
    const stop = other.watchBundle((document) => {
      this.#bundles.set(trustDomain.name, parseBundleDocument(document, trustDomain));
      const told = changed();
      first ??= told;
      return told;
    });
    this.#stopFollowing.set(trustDomain.name, stop);
    await first;
  }

  /** Ends a relationship. @throws {DevTrustDomainError} `BUNDLE` when there is none. */
  delete(name: string): void {
    if (!this.names().includes(name))
      throw new DevTrustDomainError(
        'BUNDLE',
        `federation: there is none with ${quote(name)}; there is with ${this.names().join(', ') || 'nobody'}`,
      );
    this.#stop(this.#parseForeign(name));
    this.#bundles.delete(name);
  }

  watch(listener: BundleListener): () => void {
    // An object of its own, so that a listener given twice is told twice and stops once.
    const each: BundleListener = (document) => listener(document);
    this.#listeners.add(each);
    void each(this.document());
    return () => void this.#listeners.delete(each);
  }

  /** Tells those who follow this trust domain that its bundle may have changed. */
  async publish(): Promise<void> {
    const document = this.document();
    if (this.#sequence === this.#publishedSequence) return;
    this.#publishedSequence = this.#sequence;
    await Promise.all([...this.#listeners].map((listener) => listener(document)));
  }

  close(): void {
    for (const stop of this.#stopFollowing.values()) stop();
    this.#stopFollowing.clear();
    this.#listeners.clear();
    this.#polled.close();
  }

  #stop(trustDomain: TrustDomain): void {
    this.#stopFollower(trustDomain);
    this.#polled.stop(trustDomain);
  }

  #stopFollower({ name }: TrustDomain): void {
    this.#stopFollowing.get(name)?.();
    this.#stopFollowing.delete(name);
  }

  #x509BundleOf(trustDomain: TrustDomain): X509Bundle | undefined {
    const bundle = trustDomain.equals(this.#own) ? this.#ownBundle() : this.#bundles.get(trustDomain.name);
    return bundle && X509Bundle.fromDer(trustDomain, toBundleDer(bundle));
  }

  /** A bundle that is known already serves to verify the first connection. */
  #withKnownBundle(request: EndpointFederation): EndpointFederation {
    const known = this.#bundles.get(request.trustDomain);
    if (request.bundle !== undefined || known === undefined) return request;
    // No sequence: it would be an older one's, and the endpoint's documents count by their own.
    return { ...request, bundle: toBundleDocument(known, { sequence: 0, refreshHintSeconds: REFRESH_HINT_SECONDS }) };
  }

  #parseForeign(name: string): TrustDomain {
    try {
      const trustDomain = TrustDomain.parse(name);
      if (!trustDomain.equals(this.#own)) return trustDomain;
    } catch (cause) {
      if (!(cause instanceof SpiffeTlsError)) throw cause;
      throw new DevTrustDomainError('BUNDLE', `federation: ${cause.message}`, cause);
    }
    throw new DevTrustDomainError('BUNDLE', `federation: must be with another trust domain, got ${quote(name)}`);
  }
}
