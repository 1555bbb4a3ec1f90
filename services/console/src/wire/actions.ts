/**
 * What the page can ask for beside the stream. Every request must come from the console's own page: `Host` names a loopback
 * name that is served, Fetch metadata says same-origin, and whatever changes state also needs `Origin` and the token of
 * `GET /api/session` in the header {@link TOKEN_HEADER}. Errors are `application/problem+json` ({@link Problem}).
 *
 * | request | answer |
 * | --- | --- |
 * | `GET /api/session` | {@link Session} |
 * | `GET /api/traces/{traceId}`, `GET /api/decisions/{id}` | `TraceDetail`, `DecisionDetail`; 404 once forgotten |
 * | `GET /api/workloads/{name}/certificate` | `CertificateView` |
 * | `POST /api/orders` {@link NewOrder} | {@link PlacedOrder}, or the customer's own problem with its status |
 * | `GET /api/orders/stream` | SSE of the customer's new orders, `event: order`, resumable |
 * | `POST /api/load` {@link LoadRequest} | {@link LoadState} |
 * | `POST /api/identity/{rotate,rotate-ca,withdraw,give,federate,unfederate}` {@link IdentityRequest} | `IdentityResult` |
 * | `POST /api/identity/partner-call` | `PartnerCallResult` |
 * | `GET /api/attacks` | `AttackDescription[]` |
 * | `POST /api/attacks/{id}` | `AttackResult` |
 * | `GET /api/policy` | `PolicyState` |
 * | `POST /api/policy/check` {@link PolicyText} | `PolicyCheck`; changes nothing |
 * | `POST /api/policy/apply` {@link PolicyChange} | `PolicyState`; 409 `POLICY_CHANGED` when somebody else was faster |
 * | `POST /api/policy/undo` {@link PolicyUndo} | `PolicyState`; 409 as above |
 */
import type { StackDescription } from '@countersign/local-stack/control';

export type {
  AttackDescription,
  AttackResult,
  CertificateView,
  ChangedDecision,
  IdentityResult,
  PartnerCallResult,
  PolicyCheck,
  PolicyProblem,
  PolicyState,
  PolicyVerdict,
  StackDescription,
} from '@countersign/local-stack/control';

export const TOKEN_HEADER = 'x-console-token';

/** What this console can do. */
export interface Session {
  /** 43 characters of base64url; new at each start of the console. */
  readonly token: string;
  readonly version: string;
  /** Absent while the system's control does not answer: the page then only watches, and says so. */
  readonly stack?: StackDescription;
  /** Address of the customer's own page. */
  readonly customerUrl?: string;
  /** Whether traces have a link to a viewer. */
  readonly traceLinks: boolean;
}

export interface NewOrder {
  readonly item: string;
  readonly quantity: number;
  readonly customer: string;
  readonly via: 'http' | 'grpc';
}

/** An order, as the customer's API has it. */
export interface Order {
  readonly id: string;
  readonly item: string;
  readonly quantity: number;
  readonly customer: string;
  readonly status: string;
  readonly created_at: string;
  /** SPIFFE ID of the verified origin. */
  readonly created_by: string;
}

export interface Hop {
  readonly from: string;
  readonly to: string;
  readonly transport: 'http' | 'grpc' | 'postgres';
  readonly decision: string;
  /** PostgreSQL: the role. */
  readonly decision_id: string;
}

export interface PlacedOrder {
  readonly order: Order;
  readonly trace_id?: string;
  readonly hops?: readonly Hop[];
}

export interface LoadRequest {
  /** Orders a second, 0 to 50; 0 stops. Half go by HTTP, half by gRPC. */
  readonly perSecond: number;
}

/** Steady load that the console makes, through the customer as any client would. */
export interface LoadState {
  readonly perSecond: number;
  /** Since it was last started from 0. */
  readonly sent: number;
  readonly failed: number;
  /** When it ends by itself: nobody's forgotten slider runs for ever. */
  readonly endsAt?: number;
  readonly lastFailure?: string;
}

export interface IdentityRequest {
  /** Name of the workload; for `rotate` none means all. `withdraw` and `give` need one. */
  readonly workload?: string;
}

export interface PolicyText {
  /** The grants as JSON text, as the page's editor has it; at most 256 KiB. */
  readonly text: string;
}

/** To be applied. */
export interface PolicyChange extends PolicyText {
  /** Of the `PolicyState` that the text was made from: a change that somebody else made since is not written over. */
  readonly revision: string;
}

export interface PolicyUndo {
  /** Of the `PolicyState` that is to be left. */
  readonly revision: string;
}

/** RFC 9457. */
export interface Problem {
  readonly status: number;
  readonly detail: string;
  readonly reason?: string;
  readonly expected?: string;
  readonly got?: string;
}
