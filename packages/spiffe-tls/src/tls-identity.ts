/**
 * What TLS needs of a source: what to present, if anything, and whom to believe. An `X509Source` is one; bundles alone are
 * another, for a side that has no SVID to present.
 */
import type { SpiffeTlsError } from './errors.ts';
import type { X509BundleSource } from './x509-bundle.ts';
import type { X509Source } from './x509-source.ts';
import type { X509Svid } from './x509-svid.ts';

/** One state. An `X509Context` fits. */
export interface TlsContext {
  readonly svid: X509Svid | undefined;
  readonly bundles: X509BundleSource;
}

/** What is told of a change. An `X509SourceEvent` fits. */
export type TlsIdentityEvent =
  | {
      readonly type: 'update';
      readonly context: TlsContext;
      readonly changed: { readonly svid: boolean; readonly bundles: boolean };
    }
  | { readonly type: 'withdrawn'; readonly error: SpiffeTlsError }
  | { readonly type: 'error'; readonly error: SpiffeTlsError };

/** An `X509Source` fits. */
export interface TlsIdentity {
  /** @throws {SpiffeTlsError} while nobody is trusted and nothing can be presented. */
  current(): TlsContext;
  subscribe(listener: (event: TlsIdentityEvent) => void): () => void;
}

/**
 * Bundles that a peer is verified against. With `subscribe`, as `createWorkloadApiX509BundleSource` has it, a change is applied
 * to open connections at once; without, it counts from the next handshake on.
 */
export interface LiveX509BundleSource extends X509BundleSource {
  subscribe?(listener: (event: { readonly type: string }) => void): () => void;
}

/** Trusts what `bundles` trusts, and presents nothing. Of an `X509Source` only its bundles are used. */
export function identityWithoutSvid(bundles: LiveX509BundleSource | X509Source): TlsIdentity {
  return 'get' in bundles ? ofBundles(bundles) : ofSource(bundles);
}

function ofBundles(bundles: LiveX509BundleSource): TlsIdentity {
  const context: TlsContext = { svid: undefined, bundles };
  const update = { type: 'update', context, changed: { svid: false, bundles: true } } as const;
  return {
    current: () => context,
    subscribe(listener) {
      // After a withdrawal `get` trusts nobody, so that is an update like any other.
      const stop = bundles.subscribe?.((event) => {
        if (event.type !== 'error') listener(update);
      });
      return stop ?? (() => {});
    },
  };
}

function ofSource(source: X509Source): TlsIdentity {
  return {
    current: () => ({ svid: undefined, bundles: source.current().bundles }),
    subscribe: (listener) =>
      source.subscribe((event) => {
        if (event.type !== 'update') listener(event);
        else if (event.changed.bundles) {
          listener({
            type: 'update',
            context: { svid: undefined, bundles: event.context.bundles },
            changed: { svid: false, bundles: true },
          });
        }
      }),
  };
}
