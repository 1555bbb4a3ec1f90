/**
 * Federation by bundle endpoint: the bundles of other trust domains, fetched from where those serve them and fetched again as
 * often as their documents hint (SPIFFE Federation sections 5 and 6). The polling is the library's own.
 */
import {
  type BundleEndpointProfile,
  type BundleFederation,
  type Clock,
  createBundleFederation,
  type FederationRelationship,
  parseBundleDocument,
  quote,
  type SpiffeBundle,
  SpiffeId,
  SpiffeTlsError,
  type TrustDomain,
  type X509BundleSource,
} from '@countersign/spiffe-tls';
import { DevTrustDomainError } from './errors.ts';
import type { JwtKey } from './jwt-authority.ts';
import type { FederationStatus } from './status.ts';
import type { TrustBundle } from './trust-bundle.ts';

/** Where another trust domain serves its bundle. None of the facts is inferred from another (SPIFFE Federation section 5.1). */
export interface EndpointFederation {
  /** Name of the other trust domain. */
  readonly trustDomain: string;
  /** An `https:` address. */
  readonly endpointUrl: string;
  /** How the endpoint proves who it is. */
  readonly profile: 'https_spiffe' | 'https_web';
  /** With `https_spiffe`, and only there: the SPIFFE ID that the endpoint has to have. */
  readonly endpointId?: string;
  /**
   * The other's bundle document, received out of band. An `https_spiffe` endpoint that is a member of the trust domain that it
   * serves needs it, unless the bundle is known already: something has to verify the first connection.
   */
  readonly bundle?: string;
  /** With `https_web`, and only there: PEM authorities in the place of the web's, for a certificate made for development. */
  readonly endpointCaPem?: string;
}

/** What {@link PolledBundles} needs of its owner. */
export interface PolledBundlesOptions {
  readonly clock: Clock;
  /** Verifies `https_spiffe` endpoints of other trust domains than the one that they serve. */
  readonly endpointBundles: X509BundleSource;
  /** Told of each new bundle. */
  readonly onBundle: (trustDomain: TrustDomain, bundle: TrustBundle) => void;
  /** Told when an endpoint begins to fail. */
  readonly onError: (trustDomain: TrustDomain, error: SpiffeTlsError) => void;
}

/** The endpoints that are asked. */
export class PolledBundles {
  readonly #federation: BundleFederation;
  readonly #asked = new Map<string, EndpointFederation>();

  constructor({ clock, endpointBundles, onBundle, onError }: PolledBundlesOptions) {
    this.#federation = createBundleFederation({ clock, endpointBundles });
    this.#federation.subscribe((event) => {
      if (event.type === 'update') onBundle(event.bundle.trustDomain, toTrustBundle(event.bundle));
      else if (event.type === 'error') onError(event.trustDomain, event.error);
    });
  }

  /**
   * Begins to ask, in the place of an endpoint asked before. Settles when the first question was answered or has failed:
   * whether there is a bundle is in the status.
   * @throws {DevTrustDomainError} `BUNDLE` when a fact is missing, of no use, or not of the profile.
   */
  async start(trustDomain: TrustDomain, request: EndpointFederation, known: X509BundleSource): Promise<void> {
    const relationship = {
      trustDomain,
      endpointUrl: request.endpointUrl,
      profile: readProfile(request),
      ...readBootstrap(trustDomain, request),
    };
    refuseAddress(request.endpointUrl);
    refuseUnverifiable(relationship, known);
    const previous = this.#federation.get(trustDomain);
    const bootstrap = relationship.bootstrap ?? previous;
    this.stop(trustDomain);
    ours(() => this.#federation.federate({ ...relationship, ...(bootstrap === undefined ? {} : { bootstrap }) }));
    this.#asked.set(trustDomain.name, request);
    // Why it failed is told by `onError`, and kept in the status until a question succeeds.
    await this.#federation.refresh(trustDomain).catch(() => {});
  }

  /** Asks no more. */
  stop(trustDomain: TrustDomain): void {
    this.#federation.unfederate(trustDomain);
    this.#asked.delete(trustDomain.name);
  }

  /** How each endpoint stands. */
  status(): FederationStatus[] {
    return this.#federation.status().map(({ trustDomain, endpointUrl, sequence, ...polled }) => {
      const { profile = 'https_web', endpointId } = this.#asked.get(trustDomain.name) ?? {};
      const { fetchedMs, nextPollMs, lastError } = polled;
      return {
        trustDomain: trustDomain.name,
        endpointUrl,
        profile,
        ...(endpointId === undefined ? {} : { endpointId }),
        ...(sequence === undefined ? {} : { sequence: `${sequence}` }),
        ...(fetchedMs === undefined ? {} : { fetchedAt: new Date(fetchedMs).toISOString() }),
        ...(nextPollMs === undefined ? {} : { nextPollAt: new Date(nextPollMs).toISOString() }),
        ...(lastError === undefined ? {} : { lastError: { code: lastError.code, message: lastError.message } }),
      };
    });
  }

  close(): void {
    this.#federation.close();
    this.#asked.clear();
  }
}

/** Reads a profile's name. @throws {DevTrustDomainError} `BUNDLE` */
export function parseProfile(text: string): EndpointFederation['profile'] {
  if (text === 'https_spiffe' || text === 'https_web') return text;
  throw invalid('profile must be https_spiffe or https_web', text);
}

function readProfile({ profile, endpointId, endpointCaPem }: EndpointFederation): BundleEndpointProfile {
  switch (profile) {
    case 'https_spiffe':
      if (endpointCaPem !== undefined) throw invalid('https_spiffe asks no authority of the web, so it takes none');
      if (endpointId === undefined) throw invalid('https_spiffe needs the SPIFFE ID of the endpoint');
      return { type: 'https_spiffe', endpointId: ours(() => SpiffeId.parse(endpointId)) };
    case 'https_web':
      if (endpointId !== undefined) throw invalid('https_web has no SPIFFE ID of the endpoint', endpointId);
      return { type: 'https_web', ...(endpointCaPem === undefined ? {} : { ca: endpointCaPem }) };
  }
}

function readBootstrap(
  trustDomain: TrustDomain,
  { bundle }: EndpointFederation,
): { readonly bootstrap?: SpiffeBundle } {
  if (bundle === undefined) return {};
  return { bootstrap: ours(() => parseBundleDocument(trustDomain, Buffer.from(bundle))) };
}

/** The library's own rules, checked before an endpoint that is asked now is let go. */
function refuseAddress(endpointUrl: string): void {
  const { protocol, username, password } = URL.canParse(endpointUrl) ? new URL(endpointUrl) : {};
  if (protocol !== 'https:') throw invalid('the endpoint must have an https address');
  if (username !== '' || password !== '') throw invalid('the address must have no user name and password');
}

/** ZERO TRUST: what nothing can verify is refused at once; it would fail for ever, and the first answer is never just believed. */
function refuseUnverifiable(
  { trustDomain, profile, bootstrap }: FederationRelationship,
  known: X509BundleSource,
): void {
  if (profile.type !== 'https_spiffe') return;
  const { trustDomain: verifier } = profile.endpointId;
  const servesItself = verifier.equals(trustDomain);
  if ((servesItself && bootstrap !== undefined) || known.get(verifier) !== undefined) return;
  const remedy = servesItself ? 'give its bundle document' : 'federate with it first';
  throw invalid(`no bundle of ${quote(verifier.name)} is known to verify the endpoint; ${remedy}`);
}

function toTrustBundle({ trustDomain, x509, jwt }: SpiffeBundle): TrustBundle {
  return {
    trustDomainId: trustDomain.id,
    x509Authorities: x509.authorities.map(({ der }) => der),
    jwtAuthorities: jwt.keys.map(
      ({ keyId, publicKey, algorithm }): JwtKey => ({
        ...publicKey.export({ format: 'jwk' }),
        kid: keyId,
        use: 'jwt-svid',
        ...(algorithm === undefined ? {} : { alg: algorithm }),
      }),
    ),
  };
}

/** The library's refusals in this package's class. */
function ours<Result>(step: () => Result): Result {
  try {
    return step();
  } catch (cause) {
    if (!(cause instanceof SpiffeTlsError)) throw cause;
    throw new DevTrustDomainError('BUNDLE', `federation: ${cause.message}`, cause);
  }
}

function invalid(rule: string, got?: string): DevTrustDomainError {
  return new DevTrustDomainError('BUNDLE', `federation: ${rule}${got === undefined ? '' : `, got ${quote(got)}`}`);
}
