/**
 * The options of a development trust domain, their defaults, and the checks that refuse what can't work.
 */
import { type Clock, createSystemClock, SpiffeTlsError, TrustDomain } from '@countersign/spiffe-tls';
import type { BundleEndpointOptions } from './bundle-endpoint.ts';
import { KEY_TYPES, type KeyType } from './certificate-authority.ts';
import { DevTrustDomainError } from './errors.ts';
import { REFRESH_HINT_SECONDS } from './federation.ts';
import { JWT_ALGORITHMS, type JwtAlgorithm } from './jwt-authority.ts';
import { parseIssuer } from './oidc-discovery.ts';
import { parseRegistration, type Registration } from './registration.ts';

/** Something worth a log line. Never holds a key. */
export interface TrustDomainEvent {
  readonly event: string;
  readonly [field: string]: unknown;
}

/** Options of `startDevTrustDomain`. */
export interface DevTrustDomainOptions {
  /** Its name, for example `example.org`. */
  readonly trustDomain: string;
  /**
   * Where sockets go: `<runDirectory>/<name>/api.sock` and `<runDirectory>/control/control.sock`. Keep it short: a socket's
   * path has at most 107 bytes.
   */
  readonly runDirectory: string;
  /** Identities given from the start. Each name has a socket as long as the trust domain runs. */
  readonly registrations: readonly Registration[];
  /** Namespace of IDs that `register` makes up: `spiffe://<td>/ns/<namespace>/sa/<name>`. Without it an ID has to be given. */
  readonly namespace?: string;
  /** Life of an SVID. Default 300 000; sane from 10 000 to 3 600 000. */
  readonly svidTtlMs?: number;
  /** The part of an SVID's life after which it is replaced. Default 0.5. */
  readonly rotateAtFraction?: number;
  /** The part of that wait which is drawn by lot, so that SVIDs issued together are not all replaced at once. Default 0.1; 0 is none. */
  readonly rotationJitter?: number;
  /** Life of the CA and of the JWT key. Default 86 400 000, a day; at least four SVID lives. Each is replaced after two thirds. */
  readonly caTtlMs?: number;
  /** Where the CA's key is kept, mode 0600. Default: in memory, so each start has a new CA. */
  readonly caDirectory?: string;
  /** How far `notBefore` lies back, for clocks that are behind. Default 10 000; sane from 0 to 30 000. */
  readonly backdateMs?: number;
  /** Default `ec-p256`. */
  readonly keyType?: KeyType;
  /** How many CAs stand between the root and SVIDs, as with SPIRE's upstream authorities. Default 0; at most 2. */
  readonly intermediates?: number;
  /** Life of a JWT-SVID. Default: that of an SVID; sane from 10 000 to 3 600 000. */
  readonly jwtTtlMs?: number;
  /** What signs JWT-SVIDs. Default `ES256`. */
  readonly jwtAlgorithm?: JwtAlgorithm;
  /**
   * The `iss` of JWT-SVIDs, such as `https://localhost:8444`. `https_web` bundle endpoints serve OIDC discovery for it, so that
   * ordinary OIDC verifiers can take tokens; its address has to lead to one. Default: tokens have no `iss`, and there is no discovery.
   */
  readonly jwtIssuer?: string;
  /**
   * How long a new root or JWT key is published before it signs, after every open stream was told. Default 2000; with a bundle
   * endpoint 15 000, three of its refresh hints, so that whoever polls it has the root before it meets it (Federation section 4.1).
   */
  readonly caSettleMs?: number;
  /** How long the old root or JWT key stays after the new one signs. Default: until the last SVID that it signed has expired. */
  readonly caDropAfterMs?: number;
  /** Bundle endpoints to serve, for others to federate with. Default: none. */
  readonly bundleEndpoints?: readonly BundleEndpointOptions[];
  /** Runs although `NODE_ENV` is `production`. Default `false`; there is no good reason. */
  readonly allowProduction?: boolean;
  /** The environment, for the production guard. Default: `process.env`, so that forgetting it does not switch the guard off. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Told of what happens. Default: nothing is. */
  readonly log?: (event: TrustDomainEvent) => void;
  /** Time, for tests. Default: the system's. */
  readonly clock?: Clock;
  /** From 0 to 1, for jitter. Default `Math.random`. */
  readonly random?: () => number;
}

/** The options with defaults applied. */
export interface Settings {
  readonly trustDomain: TrustDomain;
  readonly runDirectory: string;
  readonly registrations: readonly Registration[];
  readonly namespace: string | undefined;
  readonly svidTtlMs: number;
  readonly rotateAtFraction: number;
  readonly rotationJitter: number;
  readonly caTtlMs: number;
  readonly caDirectory: string | undefined;
  readonly backdateMs: number;
  readonly keyType: KeyType;
  readonly intermediates: number;
  readonly jwtTtlMs: number;
  readonly jwtAlgorithm: JwtAlgorithm;
  readonly jwtIssuer: string | undefined;
  readonly caSettleMs: number;
  readonly caDropAfterMs: number | undefined;
  readonly bundleEndpoints: readonly BundleEndpointOptions[];
  readonly log: (event: TrustDomainEvent) => void;
  readonly clock: Clock;
  readonly random: () => number;
}

/**
 * Applies defaults and checks.
 * @throws {DevTrustDomainError} `PRODUCTION`, `CONFIGURATION` or `REGISTRATION`.
 */
export function resolveSettings(options: DevTrustDomainOptions): Settings {
  refuseProduction(options);
  const trustDomain = parseTrustDomain(options.trustDomain);
  const svidTtlMs = number('svidTtlMs', options.svidTtlMs ?? 300_000, 1000);
  const jwtTtlMs = number('jwtTtlMs', options.jwtTtlMs ?? svidTtlMs, 1000);
  const longestTtlMs = Math.max(svidTtlMs, jwtTtlMs);
  return {
    trustDomain,
    runDirectory: options.runDirectory,
    registrations: options.registrations.map((registration) => parseRegistration(registration, trustDomain)),
    namespace: options.namespace,
    svidTtlMs,
    rotateAtFraction: fraction('rotateAtFraction', options.rotateAtFraction ?? 0.5),
    rotationJitter: jitter(options.rotationJitter ?? 0.1),
    caTtlMs: number('caTtlMs', options.caTtlMs ?? Math.max(86_400_000, 4 * longestTtlMs), 4 * longestTtlMs),
    caDirectory: options.caDirectory,
    backdateMs: number('backdateMs', options.backdateMs ?? 10_000, 0),
    keyType: oneOf('keyType', options.keyType ?? 'ec-p256', KEY_TYPES),
    intermediates: oneOf('intermediates', options.intermediates ?? 0, [0, 1, 2]),
    jwtTtlMs,
    jwtAlgorithm: oneOf('jwtAlgorithm', options.jwtAlgorithm ?? 'ES256', JWT_ALGORITHMS),
    jwtIssuer: options.jwtIssuer === undefined ? undefined : parseIssuer(options.jwtIssuer),
    caSettleMs: number('caSettleMs', options.caSettleMs ?? defaultSettleMs(options), 0),
    caDropAfterMs: options.caDropAfterMs === undefined ? undefined : number('caDropAfterMs', options.caDropAfterMs, 0),
    bundleEndpoints: options.bundleEndpoints ?? [],
    log: options.log ?? (() => {}),
    clock: options.clock ?? createSystemClock(),
    random: options.random ?? Math.random,
  };
}

/** Whoever can open a socket gets an identity, and the CA's key lies in a file or in this process: no more than a laptop may bear. */
function refuseProduction({ allowProduction = false, env = process.env }: DevTrustDomainOptions): void {
  const { NODE_ENV: environment } = env;
  if (environment !== 'production' || allowProduction) return;
  throw new DevTrustDomainError(
    'PRODUCTION',
    'development trust domain: refuses to run with NODE_ENV=production; use SPIRE there',
  );
}

/** A partner that misses the overlap can't verify an `https_spiffe` endpoint ever again, so it is given several chances. */
function defaultSettleMs({ bundleEndpoints = [] }: DevTrustDomainOptions): number {
  return bundleEndpoints.length === 0 ? 2000 : 3000 * REFRESH_HINT_SECONDS;
}

function jitter(value: number): number {
  if (value >= 0 && value < 1) return value;
  throw new DevTrustDomainError(
    'CONFIGURATION',
    `options: rotationJitter must be at least 0 and below 1, got ${value}`,
  );
}

function parseTrustDomain(name: string): TrustDomain {
  try {
    return TrustDomain.parse(name);
  } catch (cause) {
    if (!(cause instanceof SpiffeTlsError)) throw cause;
    throw new DevTrustDomainError('CONFIGURATION', `options: ${cause.message}`, cause);
  }
}

function number(name: string, value: number, least: number): number {
  if (Number.isFinite(value) && value >= least) return value;
  throw new DevTrustDomainError('CONFIGURATION', `options: ${name} must be a number >= ${least}, got ${value}`);
}

function fraction(name: string, value: number): number {
  if (value > 0 && value < 1) return value;
  throw new DevTrustDomainError('CONFIGURATION', `options: ${name} must lie between 0 and 1, got ${value}`);
}

function oneOf<Value extends string | number>(name: string, value: Value, known: readonly Value[]): Value {
  if (known.includes(value)) return value;
  throw new DevTrustDomainError(
    'CONFIGURATION',
    `options: ${name} must be one of ${known.join(', ')}, got ${JSON.stringify(value)}`,
  );
}
