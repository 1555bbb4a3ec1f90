/** What services send, in the shape in which real ones were seen to send it, with names of no system. */
import type { LogRecord, NumberPoint, PlainValue, Span } from '@countersign/otlp-receiver';

export const START = 1_800_000_000_000;
export const idOf = (name: string) => `spiffe://example.org/ns/a/sa/${name}`;

const nanos = (ms: number) => BigInt(Math.round(ms * 1_000)) * 1_000n;
const map = (values: Readonly<Record<string, PlainValue | undefined>>): Map<string, PlainValue> =>
  new Map(Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));

/** Of one process; the same object for all that it sends in one export. */
export function resourceOf(service: string, instance = '1') {
  return map({ 'service.name': service, 'service.instance.id': `${service}-${instance}` });
}

export interface Made {
  readonly service: string;
  readonly instance?: string;
  readonly at: number;
}

/** A line of the log, as the log bridge sends it. */
export function record(
  event: string,
  { service, instance, at }: Made,
  fields: Readonly<Record<string, PlainValue | undefined>>,
  ids: { traceId?: string; spanId?: string } = {},
): LogRecord {
  return {
    timeNanos: nanos(at),
    eventName: event,
    severityNumber: 9,
    severityText: 'info',
    body: event,
    attributes: map({ ...fields, event }),
    resource: resourceOf(service, instance),
    ...ids,
  };
}

export function identity(made: Made, serial: string, lifeMs = 300_000): LogRecord {
  return record('identity', made, {
    type: 'update',
    spiffeId: idOf(made.service),
    serialNumber: serial,
    notBeforeMs: made.at - 10_000,
    notAfterMs: made.at - 10_000 + lifeMs,
    trustDomains: ['example.org'],
    changed: { svid: true, bundles: true },
  });
}

export function withdrawn(made: Made): LogRecord {
  return record('identity', made, { type: 'withdrawn', error: { code: 'IDENTITY_WITHDRAWN', message: 'taken back' } });
}

export interface Call extends Made {
  readonly peer?: string;
  readonly traceId?: string;
  readonly spanId?: string;
  readonly operation?: string;
  readonly durationMs?: number;
  readonly fields?: Readonly<Record<string, PlainValue>>;
}

export const TRACE = '0af7651916cd43dd8448eb211c80319c';
export const OPERATION = '/orders.v1.OrderService/CreateOrder';

/** A `request` record. */
export function request(call: Call): LogRecord {
  const { service, peer, traceId = TRACE, spanId = '00f067aa0ba902b7', operation = OPERATION, durationMs = 20 } = call;
  const fields = {
    self: idOf(service),
    peer: peer === undefined ? undefined : idOf(peer),
    origin: idOf('customer'),
    txn: 'a-transaction',
    operation,
    transport: peer === undefined ? 'http' : 'grpc',
    self_serial: 'AA',
    status: 'OK',
    duration_ms: durationMs,
    ...call.fields,
  };
  return record('request', call, fields, { traceId, spanId });
}

/** Of a call that the policy refused, at whoever refused it and at those that passed it on. */
export const DENIED = {
  decision: 'deny',
  decision_id: 'the-decision',
  rule: 'operation-is-granted',
  reason: 'operation-not-granted',
  stage: 'policy',
  code: 'POLICY_DENIED',
  expected: 'a grant',
  got: 'none',
  remedy: 'Grant it.',
  status: 'PERMISSION_DENIED',
};
export const PASSED_ON = { ...DENIED, decision: 'allow', reason: 'granted' };

export function refused(made: Made, code: string, peerId: string | undefined, role = 'server'): LogRecord {
  return record('refused', made, {
    role,
    transport: 'grpc',
    self: idOf(made.service),
    peerId,
    code,
    rule: 'a rule',
    expected: 'a peer that a grant names',
    got: `"${peerId}"`,
    stage: 'handshake',
    remedy: 'Grant it.',
  });
}

export function decision(made: Made, id: string, allow: boolean, peer = 'customer'): LogRecord {
  const event = {
    decision_id: id,
    input: { operation: OPERATION, self: { spiffe_id: idOf(made.service) }, peer: { spiffe_id: idOf(peer) } },
    result: {
      allow,
      rule: allow ? 'grant' : 'operation-is-granted',
      reason: allow ? 'granted' : 'operation-not-granted',
    },
  };
  return { ...record('authz.decision', made, {}, { traceId: TRACE, spanId: '00f067aa0ba902b7' }), body: event };
}

export interface SpanOptions extends Made {
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly traceId?: string;
  readonly name?: string;
  readonly kind?: Span['kind'];
  readonly durationMs?: number;
  readonly error?: boolean;
  readonly attributes?: Readonly<Record<string, PlainValue>>;
}

export function span(options: SpanOptions): Span {
  const { service, instance, at, spanId, parentSpanId, traceId = TRACE, name = OPERATION, kind = 'server' } = options;
  return {
    traceId,
    spanId,
    ...(parentSpanId !== undefined && { parentSpanId }),
    name,
    kind,
    startNanos: nanos(at),
    endNanos: nanos(at + (options.durationMs ?? 20)),
    status: options.error === true ? 'error' : 'unset',
    statusMessage: '',
    attributes: map({ 'spiffe.self.id': idOf(service), 'svid.serial': 'AA', ...options.attributes }),
    resource: resourceOf(service, instance),
  };
}

/** What comes every two seconds. */
export function metrics(
  made: Made,
  { available = 1, leftMs = 200_000, lifeMs = 300_000, id = idOf(made.service) } = {},
) {
  const resource = resourceOf(made.service, made.instance);
  const point = (name: string, value: number, labels: Readonly<Record<string, string>> = {}): NumberPoint => ({
    ...{ name, value, resource, unit: '', kind: 'gauge' as const },
    timeNanos: nanos(made.at),
    attributes: map(labels),
  });
  return [
    point('spiffe.svid.available', available),
    point('spiffe.svid.expiry', leftMs / 1_000, { 'spiffe.self.id': id }),
    point('spiffe.svid.lifetime', lifeMs / 1_000, { 'spiffe.self.id': id }),
    point('spiffe.bundle.age', 1, { 'spiffe.trust_domain': 'example.org' }),
  ];
}
