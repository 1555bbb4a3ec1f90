/** Decision records and events for tests. */
import { createDecisionEvent, type DecisionEvent } from '../src/decision-log/decision-event.ts';
import { createDecisionRecord, type DecisionRecord } from '../src/decision-record.ts';
import type { PolicyInput } from '../src/policy-document.ts';

export const LABELS = { id: 'instance', service: 'shop', version: '1.2.3' };

/** What a guard would ask. */
export function inputOf(parts: Partial<PolicyInput> = {}): PolicyInput {
  return {
    transport: 'http',
    operation: 'GET /orders/{id}',
    http: { method: 'GET', path: ['orders', 'order-7'] },
    resource: { kind: 'order', id: 'order-7', attributes: { customer: 'Ada', tags: ['a', 'b', 'c'] } },
    self: { spiffe_id: 'spiffe://example.org/shop' },
    peer: { spiffe_id: 'spiffe://example.org/web', trust_domain: 'example.org', path: ['web'] },
    chain: [],
    time: '2026-11-29T00:00:00.000Z',
    ...parts,
  };
}

export function recordOf(decisionId: string, input: PolicyInput = inputOf()): DecisionRecord {
  const result = { allow: true, reason: 'granted', rule: 'granted', obligations: [], revision: 'r1' };
  return createDecisionRecord({ decisionId, input, result, nowMs: 0, durationNs: 5000 });
}

export function eventOf(decisionId: string, input: PolicyInput = inputOf()): DecisionEvent {
  return createDecisionEvent(recordOf(decisionId, input), { labels: LABELS, trace: undefined, masks: [] });
}
