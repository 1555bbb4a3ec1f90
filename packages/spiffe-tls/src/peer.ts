/**
 * The verified peer of a connection, and who may be one.
 */
import type { ParsedCertificate } from './certificate.ts';
import type { SpiffeId } from './spiffe-id.ts';

/** A peer whose X.509-SVID was verified against the bundle of its own trust domain and which the authorizer accepted. */
export interface Peer {
  /** The verified SPIFFE ID. */
  readonly id: SpiffeId;
  /** The certificates in the order of the verified path: leaf first, then intermediates, last the trust anchor of the bundle. */
  readonly path: readonly ParsedCertificate[];
  /** Upper-case hexadecimal, as `X509Certificate.serialNumber` prints it. */
  readonly serialNumber: string;
  /** The moment from which the path no longer verifies: the earliest `notAfter` of its certificates, in milliseconds since the epoch. */
  readonly notAfterMs: number;
}

/** Says why a peer is refused, as *expected* text for the refusal record; `undefined` accepts. */
export type AuthorizeResult = string | undefined;

/**
 * Decides, synchronously, whether a verified SPIFFE ID may be the peer. Throwing, or returning anything but a string or
 * `undefined` (a promise, say), refuses.
 */
export type Authorizer = (peerId: SpiffeId) => AuthorizeResult;
