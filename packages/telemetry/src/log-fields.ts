/**
 * The registry's third part: fields of log lines that stand for no attribute of a span. A log record has them as attributes
 * under the same names. Fields that are the whole line's (`time`, `level`, `service`, the trace's IDs) are no attributes.
 */

/** What the registry says of a field. */
export interface LogFieldDefinition {
  /** One sentence: what it says. */
  readonly brief: string;
  /** Events that have it. */
  readonly events: readonly string[];
}

/** Every field of every event that a service writes, but those that `ATTRIBUTE_DEFINITIONS` names as `logField`. */
export const LOG_FIELDS: Readonly<Record<string, LogFieldDefinition>> = {
  event: { brief: "what happened; the record's name too", events: ['all'] },
  method: { brief: 'HTTP method', events: ['request'] },
  status: { brief: 'HTTP status, or the name of the gRPC status', events: ['request', 'stream_renewed'] },
  duration_ms: { brief: 'from the first byte of the request to the end of the answer', events: ['request'] },
  aborted: { brief: '`true`: the client had gone before the answer was whole', events: ['request'] },
  expected: { brief: 'what a refused call should have had', events: ['request', 'refused'] },
  got: { brief: 'what it had, quoted and cut', events: ['request', 'refused'] },
  remedy: { brief: 'what to do about a refusal', events: ['request', 'refused'] },
  at: { brief: 'when a connection was refused', events: ['refused'] },
  peerId: { brief: 'SPIFFE ID in the certificate of who was refused: claimed, not trusted', events: ['refused'] },
  local: { brief: 'our address and port', events: ['refused', 'verified'] },
  remote: { brief: "the other end's address and port", events: ['refused', 'verified'] },
  type: { brief: '`update`, or what became of the identity instead', events: ['identity'] },
  spiffeId: { brief: 'the identity in use', events: ['identity'] },
  serialNumber: { brief: 'of the SVID in use', events: ['identity'] },
  notBeforeMs: { brief: 'since when it is valid, in milliseconds since 1970', events: ['identity'] },
  notAfterMs: { brief: 'until when it is valid', events: ['identity'] },
  trustDomains: { brief: 'trust domains whose bundles came with it', events: ['identity'] },
  changed: { brief: 'whether SVID, bundles or both are new', events: ['identity'] },
  error: { brief: 'code and message of what went wrong with the source', events: ['identity'] },
  reasons: { brief: 'by part, why the service is not ready', events: ['not_ready'] },
  addresses: { brief: 'where it listens', events: ['listening'] },
  state: { brief: 'of the policy, or of the delivery of decisions', events: ['policy', 'decision_log'] },
  revision: { brief: "the policy bundle's", events: ['policy'] },
  sqlstate: { brief: "PostgreSQL's code; its texts can quote values and are left out", events: ['database_error'] },
  retry_ms: { brief: 'when it is tried again', events: ['database_unreachable'] },
  migrations: { brief: 'names of the migrations that were applied', events: ['migrated'] },
  cursor: { brief: 'where a renewed stream of orders goes on', events: ['stream_renewed'] },
  err: { brief: 'type, message and stack of an error that nothing foresaw', events: ['handler_failed'] },
};
