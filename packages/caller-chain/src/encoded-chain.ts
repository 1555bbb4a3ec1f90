/**
 * A chain as requests carry it: two headers over HTTP, two keys of metadata over gRPC. Certificates stand outside of what is
 * signed, so that the next hop can repeat them.
 */
import { refusal } from './errors.ts';

/** Header with the links, origin first: compact JWS, separated by commas. */
export const CHAIN_HEADER = 'caller-chain';

/** Header with the X.509-SVID of each signer, once: DER in base64url, leaf first, joined by dots; entries separated by commas. */
export const CHAIN_CERTS_HEADER = 'caller-chain-certs';

/** The values of the two headers. Neither is verified. */
export interface EncodedChain {
  readonly chain: string;
  readonly certs: string;
}

/** How large a chain may be. */
export interface ChainBounds {
  /** Links. Default 4; at most 8. */
  readonly maxLinks?: number | undefined;
  /** Both headers together, in bytes. Default 12 KiB; at most 15 KiB, since Node takes 16 KiB of headers in all. */
  readonly maxBytes?: number | undefined;
}

/** Default, least and most of each; docs/reference/bounds.md lists them. */
export const CHAIN_LIMITS = {
  maxLinks: { usual: 4, least: 1, most: 8 },
  maxBytes: { usual: 12 * 1024, least: 1, most: 15 * 1024 },
} as const;

/** Checks bounds and fills in what is not given. @throws {TypeError} when one is out of range. */
export function resolveBounds(bounds: ChainBounds): Required<ChainBounds> {
  return { maxLinks: boundOf('maxLinks', bounds), maxBytes: boundOf('maxBytes', bounds) };
}

function boundOf(name: keyof ChainBounds, bounds: ChainBounds): number {
  const { usual, least, most } = CHAIN_LIMITS[name];
  const { [name]: value = usual } = bounds;
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new TypeError(`caller chain: ${name} must be from ${least} to ${most}, got ${value}`);
}

/**
 * The chain that a request carries; `undefined` when it carries none.
 * @param values all values of a header, one for each time that it was sent
 * @throws {CallerChainError} `CHAIN_MALFORMED` when one of the headers is missing or was sent twice: two readers could take
 * two different ones.
 * @example chainIn((name) => request.headersDistinct[name] ?? []);
 */
export function chainIn(values: (name: string) => readonly string[]): EncodedChain | undefined {
  const [chains, certs] = [values(CHAIN_HEADER), values(CHAIN_CERTS_HEADER)];
  if (chains.length === 0 && certs.length === 0) return undefined;
  return { chain: only(CHAIN_HEADER, chains), certs: only(CHAIN_CERTS_HEADER, certs) };
}

function only(name: string, values: readonly string[]): string {
  const [value] = values;
  if (value !== undefined && values.length === 1) return value;
  throw refusal('CHAIN_MALFORMED', `both headers must be sent once`, `${name} ${values.length} times`);
}

/** Takes both headers apart. @throws {CallerChainError} `CHAIN_TOO_LARGE`. */
export function splitChain(
  { chain, certs }: EncodedChain,
  { maxLinks, maxBytes }: Required<ChainBounds>,
): { readonly links: readonly string[]; readonly entries: readonly string[] } {
  const bytes = Buffer.byteLength(chain) + Buffer.byteLength(certs);
  if (bytes > Number(maxBytes))
    throw refusal('CHAIN_TOO_LARGE', `both headers may have at most ${maxBytes} bytes together`, `${bytes}`);
  const [links, entries] = [chain.split(','), certs.split(',')];
  if (links.length > Number(maxLinks))
    throw refusal('CHAIN_TOO_LARGE', `may have at most ${maxLinks} links`, `${links.length}`);
  if (entries.length > links.length)
    throw refusal('CHAIN_MALFORMED', 'may have no more certificate entries than links', `${entries.length}`);
  return { links, entries };
}
