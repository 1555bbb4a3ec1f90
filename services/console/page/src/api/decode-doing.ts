/** Decoders of what the page does: orders, load, attacks, policy. */
import type {
  AttackDescription,
  AttackResult,
  ChangedDecision,
  Hop,
  LoadState,
  Order,
  PlacedOrder,
  PolicyCheck,
  PolicyProblem,
  PolicyState,
  PolicyVerdict,
} from '../../../src/wire/actions.ts';
import { anything, flag, list, number, object, oneOf, optional, recordOf, text } from './decode.ts';

/** `event: order`, and the order within {@link placedOrder}. */
export const order = object<Order>({
  id: text,
  item: text,
  quantity: number,
  customer: text,
  status: text,
  created_at: text,
  created_by: text,
});

const hop = object<Hop>({
  from: text,
  to: text,
  transport: oneOf('http', 'grpc', 'postgres'),
  decision: text,
  decision_id: text,
});

/** `POST /api/orders`. */
export const placedOrder = object<PlacedOrder>({ order, trace_id: optional(text), hops: optional(list(hop)) });

/** `POST /api/load`. */
export const loadState = object<LoadState>({
  perSecond: number,
  sent: number,
  failed: number,
  endsAt: optional(number),
  lastFailure: optional(text),
});

/** `GET /api/attacks`. */
export const attackDescriptions = list(
  object<AttackDescription>({
    id: text,
    attack: text,
    what: text,
    group: text,
    caller: text,
    server: text,
    transport: oneOf('https', 'grpc', 'postgres'),
    operation: text,
  }),
);

/** `POST /api/attacks/{id}`. */
export const attackResult = object<AttackResult>({
  id: text,
  verdict: oneOf('refused', 'served', 'limit', 'wrong'),
  wire: text,
  expectedWire: text,
  layer: text,
  reason: text,
  record: optional(recordOf(anything)),
  source: object<AttackResult['source']>({ file: text, line: number }),
  remedy: optional(text),
  problems: list(text),
  tookMs: number,
});

/** `GET /api/policy`, and what apply and undo answer. */
export const policyState = object<PolicyState>({ text, revision: text, undoable: number, asGenerated: flag });

const policyProblem = object<PolicyProblem>({
  at: text,
  line: optional(number),
  column: optional(number),
  message: text,
});

const verdict = object<PolicyVerdict>({ allow: flag, reason: text, hides: list(text) });

const changedDecision = object<ChangedDecision>({
  decisionId: text,
  before: verdict,
  after: verdict,
  self: text,
  peer: text,
  operation: text,
});

/** `POST /api/policy/check`. */
export const policyCheck = object<PolicyCheck>({
  valid: flag,
  problems: list(policyProblem),
  warnings: list(policyProblem),
  tried: number,
  untried: number,
  changed: list(changedDecision),
  revision: text,
});
