/**
 * The two identities of a run and how each end gets its own. Bare Node and our adapters present the very same certificates,
 * so key type, path length and size on the wire are equal by construction.
 */
import {
  createStaticX509Source,
  parsePem,
  parseX509Svid,
  SpiffeId,
  type StaticX509Source,
  X509Bundle,
  X509BundleSet,
} from '@countersign/spiffe-tls';

/** One end's identity, and whom it expects at the other. Plain text, to be passed to a child process. */
export interface Credentials {
  readonly spiffeId: string;
  readonly certificatePem: string;
  readonly privateKeyPem: string;
  /** The CA certificate. */
  readonly bundlePem: string;
  readonly peerId: string;
  /** The first DNS name of the peer's certificate: what bare TLS goes by. */
  readonly peerDnsName: string;
}

/** A source for our adapters. */
export function createSource(credentials: Credentials): StaticX509Source {
  const svid = parseX509Svid({
    spiffeId: credentials.spiffeId,
    chainDer: onlyBlock(credentials.certificatePem),
    keyDer: onlyBlock(credentials.privateKeyPem),
  });
  const { trustDomain } = svid.id;
  const bundles = X509BundleSet.of(X509Bundle.fromPem(trustDomain, credentials.bundlePem));
  return createStaticX509Source({ svid, svids: [svid], bundles });
}

/** One's own SPIFFE ID, parsed once. */
export function ownIdOf(credentials: Credentials): SpiffeId {
  const known = ownIds.get(credentials) ?? SpiffeId.parse(credentials.spiffeId);
  ownIds.set(credentials, known);
  return known;
}

const ownIds = new WeakMap<Credentials, SpiffeId>();

/** The SPIFFE ID of the other end. */
export function peerIdOf(credentials: Credentials): SpiffeId {
  return SpiffeId.parse(credentials.peerId);
}

function onlyBlock(pem: string): Uint8Array {
  const [block] = parsePem(pem);
  if (block === undefined) throw new TypeError('bench: a PEM text must hold a block');
  return block.der;
}
