/**
 * The address of a Workload API, as SPIFFE Workload Endpoint section 4 defines it: `unix:` with an absolute path, or
 * `tcp:` with an IP literal and a port, and nothing else. Names, queries and fragments are refused, so that a typo
 * can't point a workload at somebody else's endpoint.
 */
import { isIPv4, isIPv6 } from 'node:net';
import { quote, SpiffeTlsError } from './errors.ts';

/** The variable in which the platform hands a workload its endpoint. */
export const ENDPOINT_VARIABLE = 'SPIFFE_ENDPOINT_SOCKET';

/** `sun_path` holds 108 bytes on Linux, the final NUL included; a longer path fails in `connect` with a bare EINVAL. */
const MAX_SOCKET_PATH_BYTES = 107;

/** A parsed address. */
export type WorkloadEndpoint =
  | { readonly kind: 'unix'; readonly path: string; readonly target: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number; readonly target: string };

/** Where {@link resolveWorkloadEndpoint} looks. */
export interface ResolveWorkloadEndpointOptions {
  /** An explicit address; wins over the environment. */
  readonly endpoint?: string;
  /** The environment, usually `process.env`; `SPIFFE_ENDPOINT_SOCKET` is read from it. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/**
 * Takes the explicit address, else the one in `SPIFFE_ENDPOINT_SOCKET`.
 * @throws {SpiffeTlsError} `INVALID_ENDPOINT` when there is neither, or when it is not a valid address.
 */
export function resolveWorkloadEndpoint(options: ResolveWorkloadEndpointOptions): WorkloadEndpoint {
  const text = options.endpoint ?? options.env?.[ENDPOINT_VARIABLE];
  if (text === undefined || text === '') {
    throw new SpiffeTlsError(
      'INVALID_ENDPOINT',
      `workload endpoint: no address; pass one or set ${ENDPOINT_VARIABLE}`,
      {
        expected: 'an address such as unix:///run/spire/sockets/agent.sock',
      },
    );
  }
  return parseWorkloadEndpoint(text);
}

/**
 * Parses `unix:/path`, `unix:///path` or `tcp://<IP>:<port>`.
 * @throws {SpiffeTlsError} `INVALID_ENDPOINT` for anything else: another scheme, an authority or a relative path in `unix:`,
 * a host name, path, userinfo, query or fragment.
 * @example parseWorkloadEndpoint('unix:///run/spire/sockets/agent.sock').target // 'unix:/run/spire/sockets/agent.sock'
 */
export function parseWorkloadEndpoint(text: string): WorkloadEndpoint {
  const colon = text.indexOf(':');
  const scheme = text.slice(0, Math.max(colon, 0)).toLowerCase();
  if (/[?#]/.test(text)) throw invalid('must have no query and no fragment', text);
  if (scheme === 'unix') return parseUnix(text.slice(colon + 1), text);
  if (scheme === 'tcp') return parseTcp(text.slice(colon + 1), text);
  throw invalid('must begin with "unix:" or "tcp:"', text);
}

function parseUnix(rest: string, text: string): WorkloadEndpoint {
  const encoded = rest.startsWith('//') ? rest.slice(2) : rest;
  if (!encoded.startsWith('/')) throw invalid('unix: must have an absolute path and no authority', text);
  // A second slash here would be read as an authority by the gRPC name parser.
  if (encoded.startsWith('//')) throw invalid('unix: path must not begin with "//"', text);
  const path = decodePath(encoded, text);
  if (path.endsWith('/')) throw invalid('unix: must name a socket, not a directory', text);
  const bytes = Buffer.byteLength(path);
  if (bytes > MAX_SOCKET_PATH_BYTES) {
    throw invalid(
      `unix: path must have at most ${MAX_SOCKET_PATH_BYTES} bytes (a limit of the system; this one has ${bytes})`,
      text,
    );
  }
  return { kind: 'unix', path, target: `unix:${path}` };
}

/** The path is that of a URI, so `%20` is a space; other libraries read it so too. */
function decodePath(encoded: string, text: string): string {
  let path: string;
  try {
    path = decodeURIComponent(encoded);
  } catch {
    throw invalid('unix: path has a malformed percent-encoding', text);
  }
  if (path.includes('\0')) throw invalid('unix: path must not hold NUL', text);
  return path;
}

function parseTcp(rest: string, text: string): WorkloadEndpoint {
  const match = /^\/\/(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+)):([1-9][0-9]{0,4})$/.exec(rest);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined) throw invalid('tcp: must be an IP literal and a port, and nothing else', text);
  if (port > 65535) throw invalid('tcp: port must be at most 65535', text);
  if (match?.[1] !== undefined && isIPv6(host)) return { kind: 'tcp', host, port, target: `ipv6:[${host}]:${port}` };
  if (match?.[2] !== undefined && isIPv4(host)) return { kind: 'tcp', host, port, target: `ipv4:${host}:${port}` };
  throw invalid('tcp: host must be an IP literal', text);
}

function invalid(rule: string, got: string): SpiffeTlsError {
  return new SpiffeTlsError('INVALID_ENDPOINT', `workload endpoint: ${rule}, got ${quote(got)}`, {
    expected: rule,
    got: quote(got),
  });
}
