/**
 * Where an X.509 identity comes from: the interface between producers (Workload API, files, static) and consumers
 * (the TLS adapters, the caller chain, PostgreSQL).
 */
import type { SpiffeTlsError } from './errors.ts';
import type { X509BundleSet } from './x509-bundle.ts';
import type { X509Svid } from './x509-svid.ts';

/** One complete state of a workload's X.509 identity. SVIDs and bundles always come from one message: never mix two snapshots. */
export interface X509Context {
  /** The identity in use: the first SVID, or the one that the source's picker chose. */
  readonly svid: X509Svid;
  /** All SVIDs in the order received. */
  readonly svids: readonly X509Svid[];
  /** The own trust domain's bundle and the federated ones, keyed by trust domain. */
  readonly bundles: X509BundleSet;
  /**
   * Certificate revocation lists as the Workload API sent them, DER. Handed on, not read and not enforced: the standard gives
   * them no meaning for X.509-SVIDs. Not there when there are none. A change of these alone is an `update` in which neither
   * SVID nor bundles changed.
   */
  readonly crls?: readonly Uint8Array[];
}

/** What a subscriber is told. */
export type X509SourceEvent =
  | {
      readonly type: 'update';
      readonly context: X509Context;
      readonly changed: { readonly svid: boolean; readonly bundles: boolean };
    }
  /** The issuer took the identity back: nothing may be presented from now on. Another `update` may follow. */
  | { readonly type: 'withdrawn'; readonly error: SpiffeTlsError }
  /** Something was refused or is unreachable; the last good context stays in use. */
  | { readonly type: 'error'; readonly error: SpiffeTlsError };

/** A live source of X.509 identity. */
export interface X509Source {
  /**
   * The current snapshot.
   * @throws {SpiffeTlsError} `SOURCE_NOT_READY`, `IDENTITY_WITHDRAWN` or `SOURCE_CLOSED`.
   */
  current(): X509Context;
  /** Calls back on each material change, in order, after `current()` shows it. Returns how to stop. Does not replay the present state. */
  subscribe(listener: (event: X509SourceEvent) => void): () => void;
}
