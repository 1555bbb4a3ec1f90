/** A chain that was accepted: who called whom, from the origin to the peer. */
import type { SpiffeId } from '@countersign/spiffe-tls';
import type { EncodedChain } from './encoded-chain.ts';

/** One hop, as its caller signed it. */
export interface VerifiedLink {
  /** Who called, and signed. */
  readonly iss: SpiffeId;
  /** Whom it called. */
  readonly aud: SpiffeId;
  /** What it called: method and real path, or the full gRPC method. */
  readonly act: string;
  /** The transaction, the same in all links. */
  readonly txn: string;
  readonly jti: string;
  readonly issuedAt: Date;
  readonly expiresAt: Date;
  /**
   * base64url SHA-256 of the body, where the caller signed it. A verifier that was not told the body's digest has not
   * compared it: whoever reads the body must (`bodyDigestOf`), or it proves nothing.
   */
  readonly bodyDigest?: string;
}

/** A chain in which each link was verified, and the last one is of the request that carried it. Frozen. */
export interface VerifiedChain {
  /** Origin first; at least one. */
  readonly links: readonly VerifiedLink[];
  /** 128 random bits of the origin's, in base64url: the same for every hop of one transaction. For logs and spans. */
  readonly txn: string;
  /** Who began: the signer of the first link. */
  readonly origin: SpiffeId;
  /** As it was sent, for the next hop. */
  readonly encoded: EncodedChain;
}
