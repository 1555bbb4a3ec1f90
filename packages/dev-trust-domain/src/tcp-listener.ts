/**
 * The Workload API on a TCP port: for clients that can't open a Unix socket, and for testing those that can do both. Never on
 * unless a registration asks for it, because a port has no owner: every user of the machine can take the workload's keys.
 */
import { isIP } from 'node:net';
import { quote } from '@countersign/spiffe-tls';
import { DevTrustDomainError } from './errors.ts';

/** Where a workload's endpoint listens besides its socket. */
export interface TcpListener {
  /** An IP literal, as addresses of Workload APIs have them (SPIFFE Workload Endpoint section 4). Default `127.0.0.1`. */
  readonly host?: string;
  /** 0: any that is free; `status` says which. */
  readonly port: number;
  /** Listens although `host` is not loopback: the whole network can take the workload's keys then. Default `false`. */
  readonly dangerouslyBeyondLoopback?: boolean;
}

const FIELDS: ReadonlySet<string> = new Set(['host', 'port', 'dangerouslyBeyondLoopback']);
const LOOPBACK = /^(?:127(?:\.\d{1,3}){3}|::1)$/;

/**
 * Checks a listener that came from a file or a flag.
 * @throws {DevTrustDomainError} `REGISTRATION`
 */
export function parseTcpListener(value: unknown): TcpListener {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid('must be an object', value);
  const unknown = Object.keys(value).find((field) => !FIELDS.has(field));
  if (unknown !== undefined) throw invalid('has a field that is not known', unknown);
  const { host = '127.0.0.1', port, dangerouslyBeyondLoopback: beyond = false } = value as Record<string, unknown>;
  if (typeof host !== 'string' || isIP(host) === 0) throw invalid('host must be an IP address', host);
  if (typeof port !== 'number' || !Number.isInteger(port) || port < 0 || port > 65_535)
    throw invalid('port must be a whole number from 0 to 65535', port);
  if (typeof beyond !== 'boolean') throw invalid('dangerouslyBeyondLoopback must be true or false', beyond);
  // ZERO TRUST: identity is by who could connect. On loopback that is this machine; beyond it, it would be anybody.
  if (!LOOPBACK.test(host) && !beyond) throw invalid('host must be loopback, or dangerouslyBeyondLoopback set', host);
  return { host, port, dangerouslyBeyondLoopback: beyond };
}

/** As gRPC takes it. */
export function targetOf({ host = '127.0.0.1', port }: TcpListener): string {
  return `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
}

function invalid(rule: string, got: unknown): DevTrustDomainError {
  const text = typeof got === 'string' ? got : (JSON.stringify(got) ?? String(got));
  return new DevTrustDomainError('REGISTRATION', `registration: dangerouslyListenOnTcp: ${rule}, got ${quote(text)}`);
}
