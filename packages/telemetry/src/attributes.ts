/**
 * The one registry of names that this project adds to spans, log lines and metrics. docs/reference/telemetry.md is made
 * from it. Names from OpenTelemetry's own conventions are written where they are used, as the conventions have them.
 */

/** Attribute names. Client and server spans of every hop carry both IDs; server spans carry the decision too. */
export const ATTRIBUTES = {
  selfId: 'spiffe.self.id',
  peerId: 'spiffe.peer.id',
  peerSerial: 'spiffe.peer.svid.serial',
  originId: 'spiffe.origin.id',
  chain: 'spiffe.chain',
  txn: 'caller_chain.txn',
  svidSerial: 'svid.serial',
  decision: 'authz.decision',
  decisionId: 'authz.decision_id',
  rule: 'authz.rule',
  reason: 'authz.reason',
  operation: 'authz.operation',
  refusalStage: 'refusal.stage',
  refusalCode: 'refusal.code',
  handshakeResult: 'spiffe.handshake.result',
  role: 'spiffe.role',
  transport: 'spiffe.transport',
  trustDomain: 'spiffe.trust_domain',
  chainResult: 'caller_chain.result',
  decisionLogState: 'authz.decision_log.state',
} as const;

/** One of the names in {@link ATTRIBUTES}. */
export type AttributeName = (typeof ATTRIBUTES)[keyof typeof ATTRIBUTES];

/** Where an attribute stands. On a metric it is a label, so its values are few. */
export type Signal = 'server span' | 'client span' | 'log' | 'metric';

/** What the registry says of an attribute. */
export interface AttributeDefinition {
  readonly type: 'string' | 'string[]';
  /** One sentence: what it says, and who vouches for it. */
  readonly brief: string;
  readonly example: string;
  /** `required`: always there. `conditional`: where there is such a thing. `opt-in`: only where somebody asks for it. */
  readonly level: 'required' | 'conditional' | 'opt-in';
  readonly on: readonly Signal[];
  /** Its field in a log line, where that has another name. */
  readonly logField?: string;
}

const SPANS = ['server span', 'client span'] as const;
const EVERYWHERE = [...SPANS, 'log'] as const;

/** Every attribute of {@link ATTRIBUTES}, defined. */
export const ATTRIBUTE_DEFINITIONS: Readonly<Record<AttributeName, AttributeDefinition>> = {
  'spiffe.self.id': {
    type: 'string',
    brief: 'SPIFFE ID of the process that made the span, from the SVID that it presents',
    example: 'spiffe://example.org/ns/a/sa/backend',
    level: 'required',
    on: [...EVERYWHERE, 'metric'],
    logField: 'self',
  },
  'spiffe.peer.id': {
    type: 'string',
    brief: 'SPIFFE ID of the other end as this process verified it on the connection; never from a header',
    example: 'spiffe://example.org/ns/a/sa/customer',
    level: 'conditional',
    on: EVERYWHERE,
    logField: 'peer',
  },
  'spiffe.peer.svid.serial': {
    type: 'string',
    brief: 'serial number of the SVID that the verified caller presented',
    example: '0B',
    level: 'conditional',
    on: ['server span', 'log'],
    logField: 'peer_serial',
  },
  'spiffe.origin.id': {
    type: 'string',
    brief: 'SPIFFE ID of the first signer of the verified caller chain',
    example: 'spiffe://example.org/ns/a/sa/customer',
    level: 'conditional',
    on: EVERYWHERE,
    logField: 'origin',
  },
  'spiffe.chain': {
    type: 'string[]',
    brief: 'SPIFFE IDs of all signers of the verified caller chain, origin first',
    example: '["spiffe://example.org/customer", "spiffe://example.org/backend"]',
    level: 'conditional',
    on: SPANS,
  },
  'caller_chain.txn': {
    type: 'string',
    brief: 'the transaction that the origin named: equal at every hop, independent of tracing',
    example: 'q83vEjRWeJCrze8SNFZ4kA',
    level: 'conditional',
    on: EVERYWHERE,
    logField: 'txn',
  },
  'svid.serial': {
    type: 'string',
    brief: 'serial number of the SVID that this process presented',
    example: '0A',
    level: 'required',
    on: EVERYWHERE,
    logField: 'self_serial',
  },
  'authz.decision': {
    type: 'string',
    brief: '`allow` or `deny`; as a label `error` too, where nothing could be decided (the call is refused)',
    example: 'allow',
    level: 'conditional',
    on: ['server span', 'log', 'metric'],
    logField: 'decision',
  },
  'authz.decision_id': {
    type: 'string',
    brief: 'finds the decision in the decision log; the caller is told it too',
    example: '0b5d1c1e-6b0f-4f3a-9c39-0f3d1d1f8a11',
    level: 'conditional',
    on: ['server span', 'log'],
    logField: 'decision_id',
  },
  'authz.rule': {
    type: 'string',
    brief: 'the policy rule that decided',
    example: 'grant',
    level: 'conditional',
    on: ['server span', 'log', 'metric'],
    logField: 'rule',
  },
  'authz.reason': {
    type: 'string',
    brief: 'why the policy decided so, or the code of the failure to decide; log lines show it of refusals alone',
    example: 'no-grant',
    level: 'conditional',
    on: ['server span', 'log', 'metric'],
    logField: 'reason',
  },
  'authz.operation': {
    type: 'string',
    brief: 'what was decided about: the matched route or the full gRPC method, never a path with its values',
    example: 'GET /orders/{id}',
    level: 'conditional',
    on: ['log', 'metric'],
    logField: 'operation',
  },
  'refusal.stage': {
    type: 'string',
    brief: 'where a call was refused: `handshake`, `peer`, `chain`, `policy`, `handler` or `edge`',
    example: 'handshake',
    level: 'conditional',
    on: ['server span', 'log', 'metric'],
    logField: 'stage',
  },
  'refusal.code': {
    type: 'string',
    brief: 'the code of a refusal, as docs/reference/errors.md lists them',
    example: 'PEER_NOT_AUTHORIZED',
    level: 'conditional',
    on: ['server span', 'log', 'metric'],
    logField: 'code',
  },
  'spiffe.handshake.result': {
    type: 'string',
    brief: '`verified` or `refused`, as this side judged the other',
    example: 'verified',
    level: 'required',
    on: ['metric'],
  },
  'spiffe.role': {
    type: 'string',
    brief: 'which side of the connection is ours: `server` (it came in) or `client` (it went out)',
    example: 'server',
    level: 'required',
    on: ['log', 'metric'],
    logField: 'role',
  },
  'spiffe.transport': {
    type: 'string',
    brief: 'the protocol above TLS: `https`, `grpc`, `postgres` or `tls`',
    example: 'grpc',
    level: 'required',
    on: ['log', 'metric'],
    logField: 'transport',
  },
  'spiffe.trust_domain': {
    type: 'string',
    brief: 'name of a trust domain whose bundle this process holds',
    example: 'example.org',
    level: 'required',
    on: ['metric'],
  },
  'caller_chain.result': {
    type: 'string',
    brief: '`verified` or `refused`',
    example: 'verified',
    level: 'required',
    on: ['metric'],
  },
  'authz.decision_log.state': {
    type: 'string',
    brief: 'what became of decision records: `sent` or `dropped`',
    example: 'dropped',
    level: 'required',
    on: ['metric'],
  },
};
