/**
 * A source whose bundles are those of another source and of a federation: verifiers that are given it see a trust domain
 * from the moment it is federated with until the moment it is not, on live connections too.
 */
import type { BundleFederation } from './bundle-federation.ts';
import type { JwtBundleSource } from './jwt-bundle.ts';
import { createSourceEvents } from './source-events.ts';
import { X509BundleSet } from './x509-bundle.ts';
import type { X509Context, X509Source, X509SourceEvent } from './x509-source.ts';

/** A composed source. */
export interface FederatedX509Source extends X509Source {
  /** Stops following both. Neither the source nor the federation is closed. */
  close(): void;
}

/**
 * Adds a federation's bundles to those of a source. Bundles are never merged: where the source has one for a trust domain,
 * its own above all, that one counts alone, because it comes from the issuer of our identity.
 * @example
 * const server = createSpiffeHttpsServer({ source: createFederatedX509Source(source, federation), authorize }, app);
 */
export function createFederatedX509Source(source: X509Source, federation: BundleFederation): FederatedX509Source {
  // The inner source has told the diagnostics channel already.
  const events = createSourceEvents({ publish: false });
  const compose = createComposer();
  const current = () => compose(source.current(), federation.x509());
  let shown = tryCurrent(current);

  const stopSource = source.subscribe((event) => {
    const next = event.type === 'update' ? { ...event, context: current() } : event;
    if (next.type === 'update') shown = next.context;
    events.emit(next);
  });
  const stopFederation = federation.subscribe((change) => {
    if (change.type === 'error') return events.emit({ type: 'error', error: change.error });
    const before = shown;
    shown = tryCurrent(current);
    if (shown !== undefined && before?.bundles.equals(shown.bundles) !== true) events.emit(bundlesChanged(shown));
  });
  return {
    current,
    subscribe: events.subscribe,
    close() {
      stopSource();
      stopFederation();
      events.clear();
    },
  };
}

/**
 * As {@link createFederatedX509Source}, for the bundles of JWT-SVIDs. Looked up at each validation, so there is nothing to close.
 * @example
 * const bundles = createFederatedJwtBundleSource(ownBundles, federation);
 * validateJwtSvid(token, { audience, bundles, nowMs: Date.now() });
 */
export function createFederatedJwtBundleSource(
  bundles: JwtBundleSource,
  federation: BundleFederation,
): JwtBundleSource {
  return { get: (trustDomain) => bundles.get(trustDomain) ?? federation.jwt().get(trustDomain) };
}

/** Gives the same snapshot for the same two parts: adapters compare snapshots by identity. */
function createComposer(): (own: X509Context, federated: X509BundleSet) => X509Context {
  let last: { readonly own: X509Context; readonly federated: X509BundleSet; readonly context: X509Context } | undefined;
  return (own, federated) => {
    if (last?.own !== own || last.federated !== federated) {
      const added = [...federated].filter(({ trustDomain }) => own.bundles.get(trustDomain) === undefined);
      const context = Object.freeze({ ...own, bundles: X509BundleSet.of(...own.bundles, ...added) });
      last = { own, federated, context };
    }
    return last.context;
  };
}

function bundlesChanged(context: X509Context): X509SourceEvent {
  return { type: 'update', context, changed: { svid: false, bundles: true } };
}

/** `undefined` while the source has no identity: there is nothing to tell then, and the source will. */
function tryCurrent(current: () => X509Context): X509Context | undefined {
  try {
    return current();
  } catch {
    return undefined;
  }
}
