/**
 * JWT bundles fed by the Workload API's stream: what offline validation looks keys up in. Each message replaces the whole
 * state; a bad one is reported and discarded.
 */
import type { JWTBundlesResponse } from './gen/workload.ts';
import type { JwtBundle, JwtBundleSet, JwtBundleSource } from './jwt-bundle.ts';
import { parseJwtBundles } from './jwt-bundles-response.ts';
import type { TrustDomain } from './trust-domain.ts';
import {
  type WorkloadApiBundleEvent,
  type WorkloadApiBundleSourceOptions,
  WorkloadApiBundleStream,
} from './workload-api-bundle-stream.ts';

/** Options of {@link createWorkloadApiJwtBundleSource}. */
export type WorkloadApiJwtBundleSourceOptions = WorkloadApiBundleSourceOptions;

/** What a subscriber of {@link WorkloadApiJwtBundleSource} is told. */
export type JwtBundleSourceEvent = WorkloadApiBundleEvent<JwtBundleSet>;

/** A live source of JWT bundles. */
export interface WorkloadApiJwtBundleSource extends JwtBundleSource, AsyncDisposable {
  /** The first bundles. Rejects with `SOURCE_TIMEOUT`, `SOURCE_CLOSED` or, when asking again can't help, `WORKLOAD_API`. */
  ready(): Promise<JwtBundleSet>;
  /** @throws {SpiffeTlsError} `SOURCE_NOT_READY`, `IDENTITY_WITHDRAWN` or `SOURCE_CLOSED`. */
  current(): JwtBundleSet;
  /** As `current().get(trustDomain)`, so that the source is what `validateJwtSvid` takes as `bundles`. */
  get(trustDomain: TrustDomain): JwtBundle | undefined;
  /** Calls back on each change. Returns how to stop. */
  subscribe(listener: (event: JwtBundleSourceEvent) => void): () => void;
  /** Ends the stream and all timers. Idempotent. */
  close(): void;
}

/**
 * Opens a source and begins to ask at once.
 * @throws {SpiffeTlsError} `INVALID_ENDPOINT` when the address is missing or not valid.
 * @example
 * const bundles = createWorkloadApiJwtBundleSource({ env: process.env });
 * await bundles.ready();
 * const svid = validateJwtSvid(token, { audience, bundles, nowMs: Date.now() });
 */
export function createWorkloadApiJwtBundleSource(
  options: WorkloadApiJwtBundleSourceOptions = {},
): WorkloadApiJwtBundleSource {
  const stream = new WorkloadApiBundleStream<JWTBundlesResponse, JwtBundleSet>(
    {
      area: 'jwt bundles',
      method: 'FetchJWTBundles',
      open: (client) => client.fetchJwtBundles({}),
      parse: parseJwtBundles,
    },
    options,
  );
  const current = () => {
    if (stream.state.type === 'ready') return stream.state.bundles;
    throw stream.state.error;
  };
  return {
    ready: () => stream.ready,
    current,
    get: (trustDomain) => current().get(trustDomain),
    subscribe: (listener) => stream.subscribe(listener),
    close: () => stream.close(),
    async [Symbol.asyncDispose]() {
      stream.close();
    },
  };
}
