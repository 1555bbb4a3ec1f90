/**
 * The one registry of attribute names that this project adds to spans. Names from OpenTelemetry's own conventions are
 * written where they are used, as the conventions have them.
 */

/** Span attribute names. Client and server spans of every hop carry both IDs; server spans carry the decision too. */
export const ATTRIBUTES = {
  /** SPIFFE ID of the process that made the span. */
  selfId: 'spiffe.self.id',
  /** SPIFFE ID of the other end as this process verified it. */
  peerId: 'spiffe.peer.id',
  /** Serial number of the SVID that this process presented. */
  svidSerial: 'svid.serial',
  /** `allow` or `deny`. */
  decision: 'authz.decision',
  /** Finds the decision in the log. */
  decisionId: 'authz.decision_id',
  /** The policy rule that decided. */
  rule: 'authz.rule',
  /** Why the policy decided so. */
  reason: 'authz.reason',
  /** SPIFFE ID of the chain's first signer, as verified. */
  originId: 'spiffe.origin.id',
  /** SPIFFE IDs of all signers of the verified chain, origin first. */
  chain: 'spiffe.chain',
  /** The transaction, equal at every hop. */
  txn: 'caller_chain.txn',
} as const;

/** One of the names in {@link ATTRIBUTES}. */
export type AttributeName = (typeof ATTRIBUTES)[keyof typeof ATTRIBUTES];
