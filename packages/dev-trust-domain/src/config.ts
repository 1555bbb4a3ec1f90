/**
 * The configuration of the process: each setting is a flag or an environment variable; the flag wins.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { quote } from '@countersign/spiffe-tls';
import type { BundleEndpointOptions } from './bundle-endpoint.ts';
import { KEY_TYPES } from './certificate-authority.ts';
import { DEFAULT_STATE_DIRECTORY } from './control-client.ts';
import { parseDuration } from './duration.ts';
import { DevTrustDomainError } from './errors.ts';
import { JWT_ALGORITHMS } from './jwt-authority.ts';
import type { DevTrustDomainOptions } from './options.ts';
import type { Registration } from './registration.ts';
import type { TcpListener } from './tcp-listener.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** A setting, told once for flags, environment and help. */
interface Setting {
  readonly flag: string;
  readonly variable: string;
  readonly help: string;
}

/** Where `dev-trust-domain-control` and `npm run trust-domain` look when they are told nothing. */
const DEFAULT_RUN_DIRECTORY = join(DEFAULT_STATE_DIRECTORY, 'run');

const SETTINGS: readonly Setting[] = [
  { flag: 'trust-domain', variable: 'TRUST_DOMAIN', help: 'name of the trust domain (required)' },
  {
    flag: 'run-directory',
    variable: 'TRUST_DOMAIN_RUN_DIRECTORY',
    help: `directory of the sockets; short, as a socket path has at most 107 bytes; default ${DEFAULT_RUN_DIRECTORY}`,
  },
  {
    flag: 'registrations',
    variable: 'TRUST_DOMAIN_REGISTRATIONS',
    help: 'JSON array of { name, spiffeId, dnsNames, hint?, federatesWith?, owner?, dangerouslyListenOnTcp? }, or the file that holds it',
  },
  { flag: 'namespace', variable: 'TRUST_DOMAIN_NAMESPACE', help: 'namespace for workloads registered by name alone' },
  {
    flag: 'ca-directory',
    variable: 'TRUST_DOMAIN_CA_DIRECTORY',
    help: 'keep the CA in this directory, mode 0600; default: in memory',
  },
  { flag: 'svid-ttl', variable: 'TRUST_DOMAIN_SVID_TTL', help: 'life of an SVID; default 5m' },
  { flag: 'ca-ttl', variable: 'TRUST_DOMAIN_CA_TTL', help: 'life of the CA and of the JWT key; default 1d' },
  {
    flag: 'ca-settle',
    variable: 'TRUST_DOMAIN_CA_SETTLE',
    help: 'how long a new root is published before it signs; default 2s, or 15s with a bundle endpoint',
  },
  {
    flag: 'ca-drop-after',
    variable: 'TRUST_DOMAIN_CA_DROP_AFTER',
    help: 'how long the old root stays after that; default: until its last SVID has expired',
  },
  { flag: 'key-type', variable: 'TRUST_DOMAIN_KEY_TYPE', help: `${KEY_TYPES.join(', ')}; default ec-p256` },
  {
    flag: 'intermediates',
    variable: 'TRUST_DOMAIN_INTERMEDIATES',
    help: 'CAs between the root and SVIDs: 0, 1 or 2; default 0',
  },
  {
    flag: 'bundle-endpoint',
    variable: 'TRUST_DOMAIN_BUNDLE_ENDPOINT',
    help: 'serve the bundle here, such as 127.0.0.1:8444; profile https_spiffe; default: nowhere',
  },
  {
    flag: 'bundle-endpoint-web',
    variable: 'TRUST_DOMAIN_BUNDLE_ENDPOINT_WEB',
    help: 'PEM file with key and certificate chain: the endpoint has profile https_web',
  },
  { flag: 'jwt-ttl', variable: 'TRUST_DOMAIN_JWT_TTL', help: 'life of a JWT-SVID; default: that of an SVID' },
  {
    flag: 'jwt-issuer',
    variable: 'TRUST_DOMAIN_JWT_ISSUER',
    help: 'iss of JWT-SVIDs, an https address of the https_web endpoint, which then serves OIDC discovery; default: none',
  },
  {
    flag: 'jwt-algorithm',
    variable: 'TRUST_DOMAIN_JWT_ALGORITHM',
    help: `${JWT_ALGORITHMS.join(', ')}; default ES256`,
  },
];

/** The text of `--help`. */
export const HELP = [
  'A SPIFFE trust domain for development. Not for production: whoever can open a socket gets its identity.',
  '',
  ...SETTINGS.map(({ flag, variable, help }) => `  --${flag.padEnd(19)} ${variable.padEnd(32)} ${help}`),
  `  --${'workload NAME'.padEnd(52)} register a workload by its name alone, as often as wanted`,
  `  --${'dangerously-listen-on-tcp NAME=IP:PORT'.padEnd(52)} serve a workload on loopback TCP too, to every user of this machine`,
  `  --${'allow-production'.padEnd(52)} run although NODE_ENV is production`,
  '',
  'Durations: 500ms, 30s, 5m, 1h, 7d. Prints {"event":"ready",...} when every socket listens. Stops on SIGINT and SIGTERM, when',
  'the parent closes its IPC channel, and, with COUNTERSIGN_PARENT_PIPE=stdin, when standard input ends.',
].join('\n');

/**
 * Reads flags and environment.
 * @throws {DevTrustDomainError} `CONFIGURATION`, naming the flag and the variable.
 */
export function loadConfig(args: readonly string[], env: Env): DevTrustDomainOptions {
  const values = readFlags(args);
  const read = (flag: string) => stringOf(values[flag]) ?? env[variableOf(flag)];
  const required = (flag: string) => read(flag) ?? missing(flag);
  const duration = (flag: string) => {
    const text = read(flag);
    return text === undefined ? undefined : parseDuration(nameOf(flag), text);
  };
  const trustDomain = required('trust-domain');
  const namedOnly = readWorkloads(values['workload'], trustDomain, read('namespace'));
  if (namedOnly.length === 0 && read('registrations') === undefined)
    throw new DevTrustDomainError('CONFIGURATION', `--workload or ${nameOf('registrations')}: is missing; see --help`);
  return {
    trustDomain,
    runDirectory: read('run-directory') ?? DEFAULT_RUN_DIRECTORY,
    registrations: withTcp(
      [...readRegistrations(read('registrations')), ...namedOnly],
      values['dangerously-listen-on-tcp'],
    ),
    allowProduction: values['allow-production'] === true,
    env,
    ...given('namespace', read('namespace')),
    ...given('caDirectory', read('ca-directory')),
    ...given('svidTtlMs', duration('svid-ttl')),
    ...given('caTtlMs', duration('ca-ttl')),
    ...given('caSettleMs', duration('ca-settle')),
    ...given('caDropAfterMs', duration('ca-drop-after')),
    ...given('keyType', readOneOf('key-type', KEY_TYPES, read('key-type'))),
    ...given('intermediates', readNumber(readOneOf('intermediates', ['0', '1', '2'], read('intermediates')))),
    ...given('bundleEndpoints', readBundleEndpoint(read('bundle-endpoint'), read('bundle-endpoint-web'))),
    ...given('jwtTtlMs', duration('jwt-ttl')),
    ...given('jwtIssuer', read('jwt-issuer')),
    ...given('jwtAlgorithm', readOneOf('jwt-algorithm', JWT_ALGORITHMS, read('jwt-algorithm'))),
  };
}

const FLAGS_ALONE = {
  'allow-production': { type: 'boolean' },
  workload: { type: 'string', multiple: true },
  'dangerously-listen-on-tcp': { type: 'string', multiple: true },
} as const;

function readFlags(args: readonly string[]): Record<string, unknown> {
  const options = Object.fromEntries(SETTINGS.map(({ flag }) => [flag, { type: 'string' as const }]));
  try {
    return parseArgs({ args: [...args], options: { ...options, ...FLAGS_ALONE } }).values;
  } catch (cause) {
    throw new DevTrustDomainError('CONFIGURATION', cause instanceof Error ? cause.message : String(cause), cause);
  }
}

/** The IDs that `register` would make up; without a namespace, the name is the path. */
function readWorkloads(names: unknown, trustDomain: string, namespace: string | undefined): Registration[] {
  const path = (name: string) => (namespace === undefined ? name : `ns/${namespace}/sa/${name}`);
  const domain = namespace === undefined ? trustDomain : `${namespace}.${trustDomain}`;
  return (Array.isArray(names) ? names : []).map((name: string) => ({
    name,
    spiffeId: `spiffe://${trustDomain}/${path(name)}`,
    dnsNames: [`${name}.${domain}`],
  }));
}

/** Gives workloads the TCP listeners of `NAME=IP:PORT` flags; `startDevTrustDomain` refuses what is not loopback. */
function withTcp(registrations: readonly Registration[], flags: unknown): Registration[] {
  const listeners = new Map<string, TcpListener>();
  for (const text of Array.isArray(flags) ? flags : []) {
    const [, name = '', address = ''] = /^([^=]+)=(.+)$/.exec(text) ?? [];
    const where = readAddress(address);
    if (where === undefined || !registrations.some((each) => each.name === name))
      throw new DevTrustDomainError(
        'CONFIGURATION',
        `--dangerously-listen-on-tcp: must be <name of a workload>=<IP>:<port>, got ${quote(text)}`,
      );
    listeners.set(name, where);
  }
  return registrations.map((each) => {
    const tcp = listeners.get(each.name);
    return tcp === undefined ? each : { ...each, dangerouslyListenOnTcp: tcp };
  });
}

function readAddress(text: string): { host: string; port: number } | undefined {
  const [, ipv6, name, port] = /^(?:\[([0-9a-fA-F:]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = ipv6 ?? name;
  return host === undefined || Number(port) > 65_535 ? undefined : { host, port: Number(port) };
}

function readRegistrations(text: string | undefined): Registration[] {
  if (text === undefined) return [];
  const name = nameOf('registrations');
  let value: unknown;
  try {
    value = JSON.parse(text.trimStart().startsWith('[') ? text : readFileSync(text, 'utf8'));
  } catch (cause) {
    throw new DevTrustDomainError(
      'CONFIGURATION',
      `${name}: must be a JSON array or a file that holds one, got ${quote(text, 60)}`,
      cause,
    );
  }
  if (!Array.isArray(value)) throw new DevTrustDomainError('CONFIGURATION', `${name}: must be a JSON array`);
  // `startDevTrustDomain` checks each one.
  return value as Registration[];
}

function readBundleEndpoint(
  address: string | undefined,
  webFile: string | undefined,
): BundleEndpointOptions[] | undefined {
  if (address === undefined) {
    if (webFile === undefined) return undefined;
    throw new DevTrustDomainError(
      'CONFIGURATION',
      `${nameOf('bundle-endpoint-web')}: needs ${nameOf('bundle-endpoint')}`,
    );
  }
  const where = readAddress(address);
  if (where === undefined)
    throw new DevTrustDomainError(
      'CONFIGURATION',
      `${nameOf('bundle-endpoint')}: must be host:port, got ${quote(address)}`,
    );
  if (webFile === undefined) return [{ profile: 'https_spiffe', ...where }];
  const pem = readFile('bundle-endpoint-web', webFile);
  return [{ profile: 'https_web', certificatePem: pem, keyPem: pem, ...where }];
}

function readFile(flag: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new DevTrustDomainError('CONFIGURATION', `${nameOf(flag)}: can't read ${quote(file, 60)}`, cause);
  }
}

function readOneOf<Value extends string>(
  flag: string,
  values: readonly Value[],
  text: string | undefined,
): Value | undefined {
  if (text === undefined) return undefined;
  const value = values.find((known) => known === text);
  if (value !== undefined) return value;
  throw new DevTrustDomainError(
    'CONFIGURATION',
    `${nameOf(flag)}: must be one of ${values.join(', ')}, got ${quote(text)}`,
  );
}

function readNumber(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}

function missing(flag: string): never {
  throw new DevTrustDomainError('CONFIGURATION', `${nameOf(flag)}: is missing; see --help`);
}

function nameOf(flag: string): string {
  return `--${flag} (${variableOf(flag)})`;
}

function variableOf(flag: string): string {
  return SETTINGS.find((setting) => setting.flag === flag)?.variable ?? '';
}

function stringOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function given<Key extends string, Value>(key: Key, value: Value | undefined): { [name in Key]?: Value } {
  return value === undefined ? {} : ({ [key]: value } as { [name in Key]: Value });
}
