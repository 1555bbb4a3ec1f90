/**
 * Which identity a workload gets: what SPIRE calls a registration entry, with the socket in the place of selectors.
 */
import { quote, SpiffeId, SpiffeTlsError, TrustDomain } from '@countersign/spiffe-tls';
import { DevTrustDomainError } from './errors.ts';
import { parseTcpListener, type TcpListener } from './tcp-listener.ts';

/** One identity of one workload. A workload with several has several registrations under one name. */
export interface Registration {
  /** Names the workload and its socket's directory: lower-case letters, digits and `-`, at most 63. */
  readonly name: string;
  /** A member of the trust domain, with a path. */
  readonly spiffeId: string;
  /** DNS SANs. The first is the certificate's common name too, as in SPIRE; PostgreSQL maps roles by it. */
  readonly dnsNames: readonly string[];
  /** Says what the identity is for; unique within the workload. */
  readonly hint?: string;
  /** Names of trust domains whose bundles it gets too, once there is a federation with them. */
  readonly federatesWith?: readonly string[];
  /** Who may open the socket, when the trust domain runs as root. Default: the user it runs as. */
  readonly owner?: SocketOwner;
  /** Serves the workload's API on a TCP port too, to whoever is on this machine. Only at the start. Default: nowhere but on its socket. */
  readonly dangerouslyListenOnTcp?: TcpListener;
}

/** A user and group, by number. */
export interface SocketOwner {
  readonly uid: number;
  readonly gid: number;
}

const NAME = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const DNS_NAME = /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/;
/** The upper bound of a common name (RFC 5280, ub-common-name). */
const MAX_COMMON_NAME = 64;
const MAX_DNS_NAMES = 32;
const MAX_FEDERATES_WITH = 1000;
const MAX_HINT_BYTES = 1024;
const FIELDS = new Set(['name', 'spiffeId', 'dnsNames', 'hint', 'federatesWith', 'owner', 'dangerouslyListenOnTcp']);

/**
 * Checks a registration that came from a file or over the control socket.
 * @throws {DevTrustDomainError} `REGISTRATION`, naming the field.
 */
export function parseRegistration(value: unknown, trustDomain: TrustDomain): Registration {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid('must be an object', value);
  const unknown = Object.keys(value).find((field) => !FIELDS.has(field));
  if (unknown !== undefined) throw invalid('has a field that is not known', unknown);
  const {
    name,
    spiffeId,
    dnsNames = [],
    hint,
    federatesWith,
    owner,
    ...more
  } = value as Record<keyof Registration, unknown>;
  const { dangerouslyListenOnTcp: tcp } = more;
  return {
    name: parseName(name),
    spiffeId: parseId(spiffeId, trustDomain),
    dnsNames: parseDnsNames(dnsNames),
    ...(hint === undefined || hint === '' ? {} : { hint: parseHint(hint) }),
    ...(federatesWith === undefined ? {} : { federatesWith: parseFederatesWith(federatesWith, trustDomain) }),
    ...(owner === undefined ? {} : { owner: parseOwner(owner) }),
    ...(tcp === undefined ? {} : { dangerouslyListenOnTcp: parseTcpListener(tcp) }),
  };
}

/**
 * Checks a workload's name. It becomes a directory, so nothing but letters, digits and `-` may pass.
 * @throws {DevTrustDomainError} `REGISTRATION`.
 */
export function parseName(name: unknown): string {
  if (typeof name !== 'string' || !NAME.test(name)) throw invalid('name must be 1 to 63 of a-z, 0-9 and "-"', name);
  return name;
}

function parseId(text: unknown, trustDomain: TrustDomain): string {
  if (typeof text !== 'string') throw invalid('spiffeId must be a string', text);
  let id: SpiffeId;
  try {
    id = SpiffeId.parse(text);
  } catch (cause) {
    if (!(cause instanceof SpiffeTlsError)) throw cause;
    throw new DevTrustDomainError('REGISTRATION', `registration: spiffeId is not valid: ${cause.message}`, cause);
  }
  if (!id.memberOf(trustDomain)) throw invalid(`spiffeId must be a member of ${quote(trustDomain.name)}`, text);
  if (id.path === '') throw invalid('spiffeId must have a path', text);
  return text;
}

function parseDnsNames(value: unknown): string[] {
  if (!Array.isArray(value) || value.length > MAX_DNS_NAMES)
    throw invalid(`dnsNames must be a list of at most ${MAX_DNS_NAMES}`, value);
  const names = value.map((name: unknown) => {
    if (typeof name !== 'string' || !DNS_NAME.test(name))
      throw invalid('dnsNames must hold lower-case DNS names', name);
    return name;
  });
  const [commonName = ''] = names;
  if (commonName.length > MAX_COMMON_NAME)
    throw invalid(`the first of dnsNames is the common name and has at most ${MAX_COMMON_NAME} characters`, commonName);
  return names;
}

function parseHint(hint: unknown): string {
  if (typeof hint !== 'string' || Buffer.byteLength(hint) > MAX_HINT_BYTES)
    throw invalid(`hint must be a string of at most ${MAX_HINT_BYTES} bytes`, hint);
  return hint;
}

function parseFederatesWith(value: unknown, own: TrustDomain): string[] {
  if (!Array.isArray(value) || value.length > MAX_FEDERATES_WITH)
    throw invalid(`federatesWith must be a list of at most ${MAX_FEDERATES_WITH}`, value);
  return value.map((name: unknown) => {
    if (typeof name !== 'string' || !isTrustDomain(name) || name === own.name)
      throw invalid('federatesWith must hold names of other trust domains', name);
    return name;
  });
}

function isTrustDomain(name: string): boolean {
  try {
    return TrustDomain.parse(name).name === name;
  } catch {
    return false;
  }
}

function parseOwner(value: unknown): SocketOwner {
  const { uid, gid } = typeof value === 'object' && value !== null ? (value as Partial<SocketOwner>) : {};
  if (!isNumericId(uid) || !isNumericId(gid)) throw invalid('owner must be { uid, gid }, two whole numbers', value);
  return { uid, gid };
}

function isNumericId(value: unknown): value is number {
  return Number.isInteger(value) && typeof value === 'number' && value >= 0 && value < 2 ** 32 - 1;
}

function invalid(rule: string, got: unknown): DevTrustDomainError {
  const text = typeof got === 'string' ? got : (JSON.stringify(got) ?? String(got));
  return new DevTrustDomainError('REGISTRATION', `registration: ${rule}, got ${quote(text)}`);
}
