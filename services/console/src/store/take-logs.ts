/** Log records into the model, by the event that each is. Events that the map has no use for only say that their sender runs. */
import type { LogRecord } from '@countersign/otlp-receiver';
import { type CallFacts, readCall } from './call-facts.ts';
import { defined } from './facts.ts';
import { readIdentity } from './identity-facts.ts';
import type { Model } from './model.ts';
import { readRefused } from './refused-facts.ts';
import { type Sender, senderOf } from './sender.ts';
import { BROWSER } from './spiffe-name.ts';

type TakeRecord = (model: Model, record: LogRecord, sender: Sender, nowMs: number) => void;

const EVENTS: ReadonlyMap<string, TakeRecord> = new Map([
  ['request', takeRequest],
  ['refused', takeRefused],
  ['identity', takeIdentity],
  ['authz.decision', ({ decisions }, record, _sender, nowMs) => decisions.add(record, nowMs)],
  ['stopping', ({ workloads }, _record, sender) => workloads.stopped(sender)],
]);

export function takeRecord(model: Model, record: LogRecord, nowMs: number): void {
  const sender = senderOf(record.resource);
  if (sender === undefined) return;
  model.workloads.report(sender, nowMs);
  EVENTS.get(record.eventName)?.(model, record, sender, nowMs);
}

function takeIdentity({ workloads }: Model, record: LogRecord, sender: Sender, nowMs: number): void {
  const facts = readIdentity(record, nowMs);
  if (facts !== undefined) workloads.identity(sender, facts);
}

function takeRequest(model: Model, record: LogRecord, sender: Sender, nowMs: number): void {
  const call = readCall(record, nowMs);
  if (call.self !== undefined) model.workloads.named(sender, { id: call.self, serial: call.selfSerial });
  const self = call.self ?? model.workloads.idOf(sender);
  if (self === undefined) return;
  countSample(model, call);
  addEdge(model, call, self, noteRefusal(model, call, self, nowMs));
}

function countSample({ samples }: Model, { at, outcome, peer, transport, durationMs }: CallFacts): void {
  if (outcome === 'allow' || outcome === 'error') samples.addAllowed(at);
  if (peer === undefined && transport === 'http' && durationMs <= LONGEST_REQUEST_MS)
    samples.addDuration(at, durationMs);
}

/** A stream of events is no slow request. */
const LONGEST_REQUEST_MS = 10_000;

function noteRefusal({ refusals }: Model, call: CallFacts, self: string, nowMs: number): number | undefined {
  const { at, peer, transport, refusal, operation, traceId, decisionId } = call;
  if (refusal === undefined) return undefined;
  const known = peer === undefined ? ('unknown' as const) : ('verified' as const);
  const entry = {
    ...refusal,
    ...{ at, self, transport, peerIs: known, role: 'server' as const },
    ...defined({ peer, operation, traceId, decisionId }),
  };
  if (!call.passedOn) return refusals.add(entry);
  refusals.addPassedOn(entry, nowMs);
  return undefined;
}

/** From the verified caller; whoever calls the edge's plain port is a browser, or a program that acts as one. */
function addEdge({ workloads, edges }: Model, call: CallFacts, self: string, refusalSeq: number | undefined): void {
  const from = call.peer ?? (call.transport === 'http' ? BROWSER : undefined);
  if (from === undefined || !workloads.seen(from, call.at, true)) return;
  const { at, outcome, transport, durationMs, operation, traceId, spanId, txn, rule, reason } = call;
  const decisionId = call.passedOn ? undefined : call.decisionId;
  edges.add({
    ...{ from, to: self, at, outcome, transport, durationMs },
    ...defined({ operation, traceId, spanId, txn, rule, reason, decisionId, refusalSeq }),
  });
}

function takeRefused(model: Model, record: LogRecord, sender: Sender, nowMs: number): void {
  const facts = readRefused(record, nowMs);
  const self = facts?.self ?? model.workloads.idOf(sender);
  if (facts === undefined || self === undefined) return;
  if (facts.self !== undefined) model.workloads.named(sender, { id: facts.self });
  const { peer, at, role, transport, rule, code } = facts;
  const refusalSeq = model.refusals.add({ ...facts, self });
  if (peer === undefined || !model.workloads.seen(peer, at, facts.peerIs === 'verified')) return;
  // Whoever opened the connection is where the edge begins.
  const [from, to] = role === 'server' ? [peer, self] : [self, peer];
  model.edges.add({ from, to, at, outcome: 'refused', transport, reason: code, refusalSeq, ...defined({ rule }) });
}
