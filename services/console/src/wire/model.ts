/**
 * What the console knows and the page shows: workloads, the edges between them, refusals, decisions, traces. All of it comes
 * from standard OTLP. Times are milliseconds since 1970 by the console's clock unless said otherwise; every text may come
 * from a peer and is only ever shown as text.
 */

/** How a workload is, as far as its telemetry says. */
export type WorkloadState =
  /** It reports, and has an identity. */
  | 'ready'
  /** It reports that it has no identity yet, or that its identity was withdrawn. */
  | 'no-identity'
  /** It reported before and has not for some seconds: stopped, killed or cut off. */
  | 'silent'
  /** Others name it as their peer; it sends no telemetry itself (PostgreSQL, a rogue, the browser). */
  | 'seen';

/** The SVID in use. Serial numbers are upper-case hexadecimal without separators. */
export interface SvidInUse {
  readonly serial: string;
  readonly notBefore: number;
  readonly notAfter: number;
  /** When a new one is to be expected: half of its life, as both the development trust domain and SPIRE's agent do. */
  readonly rotatesAt: number;
  /** Since when this process presents it. */
  readonly since: number;
}

/** One running process of a workload, told apart by `service.instance.id`. */
export interface WorkloadInstance {
  readonly instanceId: string;
  readonly state: Exclude<WorkloadState, 'seen'>;
  readonly svid?: SvidInUse;
  readonly lastReportAt: number;
}

/** A node of the map. */
export interface Workload {
  /** SPIFFE ID; `browser` for whoever calls the edge without one. */
  readonly id: string;
  /** Last segment of the ID's path. */
  readonly name: string;
  /** Empty for what has none. */
  readonly trustDomain: string;
  readonly state: WorkloadState;
  /** Newest first. Empty for `seen`. */
  readonly instances: readonly WorkloadInstance[];
  /** Of the newest instance. */
  readonly svid?: SvidInUse;
  /** Trust domains whose bundles it holds. */
  readonly trustDomains: readonly string[];
  /** SVIDs that took the place of another one since the console started. */
  readonly rotations: number;
  readonly lastSeenAt: number;
}

/** What became of one call. */
export type Outcome =
  /** Let in. */
  | 'allow'
  /** The policy said no. */
  | 'deny'
  /** Refused before the policy was asked: handshake, peer, caller chain, edge. */
  | 'refused'
  /** Let in, and failed. */
  | 'error';

export type Transport = 'http' | 'https' | 'grpc' | 'postgres' | 'tls';

/** The last call of an edge. */
export interface LastCall {
  readonly at: number;
  readonly outcome: Outcome;
  readonly transport: Transport;
  readonly operation?: string;
  readonly traceId?: string;
  readonly decisionId?: string;
  readonly rule?: string;
  readonly reason?: string;
  /** SPIFFE IDs of the verified caller chain, origin first. */
  readonly chain?: readonly string[];
  readonly txn?: string;
  /** Of the refusal, in {@link Refusal.seq}. */
  readonly refusalSeq?: number;
}

/** Who called whom. */
export interface Edge {
  /** `from` and `to` joined by `>`; neither has one. */
  readonly key: string;
  /** IDs of workloads. */
  readonly from: string;
  readonly to: string;
  readonly transports: readonly Transport[];
  readonly last: LastCall;
  /** Calls a second, over the last ten seconds. */
  readonly perSecond: number;
  /** Of the calls of the last minute that were let in; absent without any. */
  readonly p50Ms?: number;
  readonly p95Ms?: number;
  /** Since the console started. */
  readonly calls: number;
  readonly refused: number;
}

/** A refusal, from handshake to handler. */
export interface Refusal {
  /** Rises by one with each. */
  readonly seq: number;
  readonly at: number;
  /** `handshake`, `peer`, `chain`, `policy`, `handler` or `edge`. */
  readonly stage: string;
  /** As docs/reference/errors.md lists it. */
  readonly code: string;
  readonly rule?: string;
  readonly expected?: string;
  readonly got?: string;
  readonly remedy?: string;
  /** SPIFFE ID of who refused. */
  readonly self: string;
  /** SPIFFE ID of who was refused; `claimed` where its certificate was not accepted. */
  readonly peer?: string;
  readonly peerIs: 'verified' | 'claimed' | 'unknown';
  readonly transport: string;
  readonly role: 'server' | 'client';
  readonly operation?: string;
  readonly traceId?: string;
  readonly decisionId?: string;
}

/** A decision of the policy, as its decision log has it. */
export interface DecisionSummary {
  readonly id: string;
  readonly at: number;
  readonly allow: boolean;
  readonly rule?: string;
  readonly reason?: string;
  readonly self?: string;
  readonly peer?: string;
  readonly operation?: string;
  readonly traceId?: string;
}

/** All of it: `GET /api/decisions/{id}`. */
export interface DecisionDetail extends DecisionSummary {
  /** The event in OPA's decision-log shape, masked as the service masked it. */
  readonly event: unknown;
}

/** One trace, for a list. */
export interface TraceSummary {
  readonly traceId: string;
  readonly startedAt: number;
  readonly durationMs: number;
  /** Name of the root span, or of the earliest one known. */
  readonly name: string;
  readonly spans: number;
  readonly services: readonly string[];
  readonly outcome: Outcome;
  readonly txn?: string;
}

/** One span of a waterfall. IDs are lower-case hexadecimal. */
export interface SpanView {
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly service: string;
  readonly name: string;
  readonly kind: 'internal' | 'server' | 'client' | 'producer' | 'consumer';
  /** From the trace's start. */
  readonly offsetMs: number;
  readonly durationMs: number;
  readonly error: boolean;
  /** Values as text; lists joined by commas. */
  readonly attributes: Readonly<Record<string, string>>;
}

/** `GET /api/traces/{traceId}`. */
export interface TraceDetail extends TraceSummary {
  /** Parents before children, siblings by start. At most 500; `spans` counts all. */
  readonly tree: readonly SpanView[];
  /** Where a trace viewer shows it, when one is set. */
  readonly link?: string;
}

/** One second of the whole system, for the chart. */
export interface Sample {
  /** The second's start. */
  readonly at: number;
  readonly allowed: number;
  readonly refused: number;
  /** Of the edge's own requests in that second; absent without any. */
  readonly p50Ms?: number;
  readonly p95Ms?: number;
  /** SVIDs that took the place of another one in that second. */
  readonly rotations: number;
}
