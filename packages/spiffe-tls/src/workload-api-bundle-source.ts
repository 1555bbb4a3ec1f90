/**
 * Bundles alone, from the Workload API's `FetchX509Bundles`: for workloads that verify others and present nothing, such as
 * an auditor of signed records or a server that clients of the public web call.
 */
import type { SpiffeTlsError } from './errors.ts';
import type { X509BundlesResponse } from './gen/workload.ts';
import type { TrustDomain } from './trust-domain.ts';
import {
  type WorkloadApiBundleEvent,
  type WorkloadApiBundleSourceOptions,
  WorkloadApiBundleStream,
} from './workload-api-bundle-stream.ts';
import { type X509Bundle, X509BundleSet, type X509BundleSource } from './x509-bundle.ts';
import { parseBundleMap } from './x509-context.ts';

const NOTHING = X509BundleSet.of();

/** Options of {@link createWorkloadApiX509BundleSource}. */
export type WorkloadApiX509BundleSourceOptions = WorkloadApiBundleSourceOptions;

/** What a subscriber of {@link WorkloadApiX509BundleSource} is told. */
export type X509BundleEvent = WorkloadApiBundleEvent<X509BundleSet>;

/** A live source of bundles. Before the first, after a withdrawal and when closed it trusts nobody. */
export interface WorkloadApiX509BundleSource extends X509BundleSource, AsyncDisposable {
  /**
   * The first bundles.
   * @throws {SpiffeTlsError} `SOURCE_TIMEOUT`, `SOURCE_CLOSED`, or `WORKLOAD_API` when asking again can't help.
   */
  ready(): Promise<X509BundleSet>;
  /** The bundle of the moment; `undefined` when the trust domain is not trusted. Fits `verifyPeer` as it is. */
  get(trustDomain: TrustDomain): X509Bundle | undefined;
  /** All bundles of the moment. */
  current(): X509BundleSet;
  /** Calls back on each change. Returns how to stop. */
  subscribe(listener: (event: X509BundleEvent) => void): () => void;
  /** The last failure, until the next good message. */
  lastError(): SpiffeTlsError | undefined;
  /** Ends the stream and all timers. Idempotent. */
  close(): void;
}

/**
 * Opens a bundle source and begins to ask at once.
 * @throws {SpiffeTlsError} `INVALID_ENDPOINT` when the address is missing or not valid.
 * @example
 * const bundles = createWorkloadApiX509BundleSource({ env: process.env });
 * await bundles.ready();
 * const peer = verifyPeer({ chain, role: 'client', bundles, nowMs: Date.now(), authorize });
 */
export function createWorkloadApiX509BundleSource(
  options: WorkloadApiX509BundleSourceOptions = {},
): WorkloadApiX509BundleSource {
  const current = (): X509BundleSet => (stream.state.type === 'ready' ? stream.state.bundles : NOTHING);
  const stream = new WorkloadApiBundleStream<X509BundlesResponse, X509BundleSet>(
    {
      area: 'x509 bundles',
      method: 'FetchX509Bundles',
      open: (client) => client.fetchX509Bundles({}),
      parse: ({ bundles }) => parseBundleMap(bundles, current()),
    },
    options,
  );
  return {
    ready: () => stream.ready,
    current,
    get: (trustDomain) => current().get(trustDomain),
    subscribe: (listener) => stream.subscribe(listener),
    lastError: () => stream.lastError,
    close: () => stream.close(),
    async [Symbol.asyncDispose]() {
      stream.close();
    },
  };
}
