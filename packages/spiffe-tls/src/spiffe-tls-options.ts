/**
 * What every TLS adapter is told: whose identity to present, and which peers to accept.
 */
import { type Clock, createSystemClock } from './clock.ts';
import type { Authorizer } from './peer.ts';
import type { RefusalRecord } from './refusal.ts';
import type { TrustDomain } from './trust-domain.ts';
import type { X509Source } from './x509-source.ts';

/** Options shared by servers and clients of every protocol. */
export interface SpiffeTlsOptions {
  /** The own identity and the bundles that peers are verified against. Changes take effect live. */
  readonly source: X509Source;
  /** Which verified SPIFFE IDs may be the peer. There is no default: "anyone" has to be written down. */
  readonly authorize: Authorizer;
  /** Trust domains that peers may belong to. Default: every one that the source has a bundle for. */
  readonly trustDomains?: readonly TrustDomain[];
  /**
   * Called with each refusal, after the connection is closed. The same record goes to the `spiffe-tls:refused` channel.
   * What it throws is not caught.
   */
  readonly onRefused?: (record: RefusalRecord) => void;
  /** Time, for tests. Default: the system's, with timers that do not keep the process alive. */
  readonly clock?: Clock;
  /** A number from 0 up to 1, for jitter. Default: `Math.random`. */
  readonly random?: () => number;
}

/** {@link SpiffeTlsOptions} with the defaults filled in. */
export interface ResolvedSpiffeTlsOptions extends SpiffeTlsOptions {
  readonly clock: Clock;
  readonly random: () => number;
}

/**
 * Fills in the defaults.
 * @throws {TypeError} when `source` or `authorize` is missing, for callers without types.
 */
export function resolveOptions(options: SpiffeTlsOptions): ResolvedSpiffeTlsOptions {
  if (typeof options.source?.current !== 'function') throw new TypeError('spiffe-tls: "source" must be an X509Source');
  if (typeof options.authorize !== 'function') throw new TypeError('spiffe-tls: "authorize" must be a function');
  return {
    ...options,
    clock: options.clock ?? createSystemClock({ unref: true }),
    random: options.random ?? Math.random,
  };
}
