/** Parsers of setting values, for `Setting.parse`. Each throws an error that says what the value must be. */
import { isIP } from 'node:net';
import { SpiffeId } from '@countersign/spiffe-tls';

/** A host and a port. */
export interface Address {
  /** IP address without brackets, or a DNS name. */
  readonly host: string;
  readonly port: number;
}

const DNS_NAME = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/i;

/** `127.0.0.1:8080`, `[::1]:8080`, `name:8080`, to listen on; port 0 takes any free one. */
export function parseListenAddress(text: string): Address {
  return parseAddress(text, 0);
}

/** As {@link parseListenAddress}, to connect to: port 0 is refused. */
export function parseDialAddress(text: string): Address {
  return parseAddress(text, 1);
}

/** Writes an address as it is parsed. */
export function formatAddress({ host, port }: Address): string {
  return isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`;
}

/** An `https:` URL with host and port, and nothing after them. */
export function parseHttpsOrigin(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const bare = url !== undefined && url.protocol === 'https:' && `${url.origin}/` === url.href;
  if (!bare) throw new Error('must be an https URL without path, such as https://127.0.0.1:8443');
  return url;
}

/** A SPIFFE ID with a path: the ID of a workload. */
export function parseWorkloadId(text: string): SpiffeId {
  const id = SpiffeId.parse(text);
  if (id.path === '') throw new Error('must be the SPIFFE ID of a workload, with a path');
  return id;
}

/** `1` or `true`, `0` or `false`. */
export function parseSwitch(text: string): boolean {
  if (text === '1' || text === 'true') return true;
  if (text === '0' || text === 'false') return false;
  throw new Error('must be 1, true, 0 or false');
}

/** One of the given words. */
export function parseOneOf<const T extends string>(words: readonly T[]): (text: string) => T {
  return (text) => {
    const found = words.find((word) => word === text);
    if (found === undefined) throw new Error(`must be one of ${words.join(', ')}`);
    return found;
  };
}

/** A name of letters, digits and `_`: a database, a role. */
export function parseIdentifier(text: string): string {
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(text)) throw new Error('must be 1 to 63 lower-case letters, digits or "_"');
  return text;
}

function parseAddress(text: string, lowestPort: number): Address {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^[\]:\s/]+)):(\d{1,5})$/i.exec(text);
  const host = match?.[1] ?? match?.[2] ?? '';
  const port = Number(match?.[3]);
  const knownHost = match?.[1] === undefined ? isIP(host) === 4 || isName(host) : isIP(host) === 6;
  if (!knownHost || !(port >= lowestPort && port <= 65_535)) {
    throw new Error(`must be host:port with a port from ${lowestPort} to 65535, such as 127.0.0.1:8080`);
  }
  return { host, port };
}

/** A name whose last label is digits only would be read as a broken IPv4 address by others. */
function isName(host: string): boolean {
  return DNS_NAME.test(host) && !/(^|\.)\d+$/.test(host);
}
