/**
 * What every TLS adapter is told: whose identity to present, and which peers to accept. mTLS with X.509-SVIDs on both sides is
 * the default; where one side has no SVID, the mode is said by options of its own, and none falls back to another.
 */
import { type Clock, createSystemClock } from './clock.ts';
import type { Authorizer } from './peer.ts';
import type { RefusalRecord } from './refusal.ts';
import { identityWithoutSvid, type LiveX509BundleSource, type TlsIdentity } from './tls-identity.ts';
import { createWebRoots, type WebRoots } from './tls-options.ts';
import type { TrustDomain } from './trust-domain.ts';
import { presentedBy, type WebCertificate } from './web-certificate.ts';
import type { X509Source } from './x509-source.ts';

/** What is the same in every mode. */
export interface TlsReportOptions {
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

/** Who may be the peer, where the peer has an X.509-SVID. */
export interface PeerOptions {
  /** Which verified SPIFFE IDs may be the peer. There is no default: "anyone" has to be written down. */
  readonly authorize: Authorizer;
  /** Trust domains that peers may belong to. Default: every one that the source has a bundle for. */
  readonly trustDomains?: readonly TrustDomain[];
}

/** Options shared by servers and clients of every protocol: mTLS, both sides with an X.509-SVID. */
export interface SpiffeTlsOptions extends TlsReportOptions, PeerOptions {
  /** The own identity and the bundles that peers are verified against. Changes take effect live. */
  readonly source: X509Source;
}

/** Of a server that clients without SVID may call: it presents its own and asks for no client certificate. */
export interface NoClientCertificateOptions extends TlsReportOptions {
  /** The own identity. Changes take effect live. */
  readonly source: X509Source;
  /** No request has a peer: `peerOf` is `undefined`, and guards answer 401. */
  readonly clientCertificate: 'none';
}

/** Of a server that is known by its host name: it presents a web certificate, and requires an X.509-SVID of each client. */
export interface WebCertificateOptions extends TlsReportOptions, PeerOptions {
  /** What to present. See `createWebCertificate`. */
  readonly webCertificate: WebCertificate;
  /** What clients are verified against; the bundles of an `X509Source` will do. */
  readonly bundles: LiveX509BundleSource | X509Source;
}

/** Of a client without SVID: it verifies the server's and presents nothing. */
export interface PresentNothingOptions extends TlsReportOptions, PeerOptions {
  /** Said outright, so that leaving `source` out by mistake is an error. */
  readonly clientCertificate: 'none';
  /** What servers are verified against; the bundles of an `X509Source` will do. */
  readonly bundles: LiveX509BundleSource | X509Source;
}

/** Of a client that presents its X.509-SVID to a server with a web certificate. */
export interface WebServerOptions extends TlsReportOptions {
  /** The own identity. Changes take effect live. */
  readonly source: X509Source;
  /** Verifies the server as browsers do: by its chain and the host name, always. */
  readonly webServer: {
    /** Authorities in PEM, or `node-default` for those that Node comes with (and `NODE_EXTRA_CA_CERTS` adds to). No default. */
    readonly ca: 'node-default' | string | readonly string[];
  };
}

/** {@link SpiffeTlsOptions} with the defaults filled in. */
export interface ResolvedSpiffeTlsOptions extends SpiffeTlsOptions {
  readonly clock: Clock;
  readonly random: () => number;
}

/** The settings of any mode; {@link ResolvedSpiffeTlsOptions} fits. */
export interface TlsSettings extends TlsReportOptions, PeerOptions {
  readonly source: TlsIdentity;
  readonly clock: Clock;
  readonly random: () => number;
  /** A server's: what to present instead of the source's SVID. */
  readonly webCertificate?: WebCertificate;
  /** A server's: clients are not asked for a certificate. */
  readonly anonymousClients?: boolean;
  /** A client's: the server is verified by these authorities and its host name, not by a SPIFFE ID. */
  readonly webRoots?: WebRoots;
}

/**
 * Fills in the defaults.
 * @throws {TypeError} when `source` or `authorize` is missing, for callers without types.
 */
export function resolveOptions(options: SpiffeTlsOptions): ResolvedSpiffeTlsOptions {
  checkSource(options.source);
  checkAuthorize(options.authorize);
  return { ...options, ...defaultsOf(options) };
}

/**
 * Settings of a server in any of its modes.
 * @throws {TypeError} for options that belong to different modes, and as {@link resolveOptions}.
 */
export function resolveServerOptions(
  options: SpiffeTlsOptions | WebCertificateOptions | NoClientCertificateOptions,
): TlsSettings {
  if (says(options, 'clientCertificate')) {
    checkNone(options.clientCertificate);
    forbid(options, 'clientCertificate: "none"', ['authorize', 'trustDomains', 'webCertificate', 'bundles']);
    checkSource(options.source);
    return { ...options, ...defaultsOf(options), authorize: nobody, anonymousClients: true };
  }
  if (says(options, 'webCertificate')) {
    forbid(options, 'webCertificate', ['source']);
    checkAuthorize(options.authorize);
    presentedBy(options.webCertificate);
    return { ...options, ...defaultsOf(options), source: identityOf(options.bundles) };
  }
  forbid(options, 'source', ['bundles', 'webServer']);
  return resolveOptions(options);
}

/**
 * Settings of a client in any of its modes.
 * @throws {TypeError} for options that belong to different modes, and as {@link resolveOptions}.
 */
export function resolveClientOptions(
  options: SpiffeTlsOptions | PresentNothingOptions | WebServerOptions,
): TlsSettings {
  if (says(options, 'clientCertificate')) {
    checkNone(options.clientCertificate);
    forbid(options, 'clientCertificate: "none"', ['source', 'webServer']);
    checkAuthorize(options.authorize);
    return { ...options, ...defaultsOf(options), source: identityOf(options.bundles) };
  }
  if (says(options, 'webServer')) {
    forbid(options, 'webServer', ['authorize', 'trustDomains', 'bundles']);
    checkSource(options.source);
    return { ...options, ...defaultsOf(options), authorize: nobody, webRoots: createWebRoots(options.webServer.ca) };
  }
  forbid(options, 'source', ['bundles', 'webCertificate']);
  return resolveOptions(options);
}

/**
 * Settings of a client whose servers have SPIFFE IDs, always.
 * @throws {TypeError} as {@link resolveClientOptions}, and for `webServer`.
 */
export function resolveSpiffeClientOptions(options: SpiffeTlsOptions | PresentNothingOptions): TlsSettings {
  forbid(options, 'this protocol', ['webServer']);
  return resolveClientOptions(options);
}

/** Where no SPIFFE ID is expected, none is accepted. */
const nobody: Authorizer = () => 'no SPIFFE ID at all';

function defaultsOf({ clock, random }: TlsReportOptions): Pick<TlsSettings, 'clock' | 'random'> {
  return { clock: clock ?? createSystemClock({ unref: true }), random: random ?? Math.random };
}

function checkSource(source: X509Source): void {
  if (typeof source?.current !== 'function') throw new TypeError('spiffe-tls: "source" must be an X509Source');
}

function checkAuthorize(authorize: Authorizer): void {
  if (typeof authorize !== 'function') throw new TypeError('spiffe-tls: "authorize" must be a function');
}

function checkNone(value: string): void {
  if (value !== 'none') throw new TypeError(`spiffe-tls: "clientCertificate" must be "none" or left out, got ${value}`);
}

function identityOf(bundles: LiveX509BundleSource | X509Source): TlsIdentity {
  const fits = typeof bundles === 'object' && bundles !== null && ('get' in bundles || 'current' in bundles);
  if (!fits) throw new TypeError('spiffe-tls: "bundles" must be an X509BundleSource or an X509Source');
  return identityWithoutSvid(bundles);
}

/** Whether options are of the mode that this one stands for. `undefined` is as good as not there. */
function says<O extends object, const K extends string>(
  options: O,
  name: K,
): options is Extract<O, { readonly [key in K]: unknown }> {
  return Reflect.get(options, name) !== undefined;
}

/** ZERO TRUST: an option that would have no effect in a mode might be what its author relied on. */
function forbid(options: object, mode: string, names: readonly string[]): void {
  const given = names.find((name) => Reflect.get(options, name) !== undefined);
  if (given !== undefined) throw new TypeError(`spiffe-tls: "${given}" must be left out with ${mode}`);
}
