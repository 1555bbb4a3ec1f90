/**
 * What a `request` record says of a call that came in: one line for each, refused ones too, written by the process that
 * was called. Its fields are those of packages/telemetry/src/log-fields.ts.
 */
import type { LogRecord } from '@countersign/otlp-receiver';
import type { Outcome, Transport } from '../wire/model.ts';
import { defined, numberOf, textOf, timeOf } from './facts.ts';
import { TEXT } from './limits.ts';

/** A refusal as a record explains it. */
export interface RefusalFacts {
  readonly stage: string;
  readonly code: string;
  readonly rule?: string;
  readonly expected?: string;
  readonly got?: string;
  readonly remedy?: string;
}

export interface CallFacts {
  readonly at: number;
  /** SPIFFE ID of who was called; absent while it had no identity. */
  readonly self?: string;
  /** SPIFFE ID of the verified caller. */
  readonly peer?: string;
  readonly transport: Transport;
  readonly operation?: string;
  readonly outcome: Outcome;
  readonly durationMs: number;
  readonly selfSerial?: string;
  readonly txn?: string;
  readonly traceId?: string;
  readonly spanId?: string;
  /** Of the decision about this call, or about one that it led to, where that one was refused. */
  readonly decisionId?: string;
  /** Of the decision about this call. */
  readonly rule?: string;
  readonly reason?: string;
  readonly refusal?: RefusalFacts;
  /** Whether another service refused, and this one passes it on. */
  readonly passedOn: boolean;
}

/** Where only a guard refuses: with a decision of its own, whose line says `deny`. */
const GUARD_STAGES: ReadonlySet<string> = new Set(['peer', 'chain', 'policy']);
const TRANSPORTS: ReadonlySet<string> = new Set<Transport>(['http', 'https', 'grpc', 'postgres', 'tls']);

export function readCall({ attributes, timeNanos, traceId, spanId }: LogRecord, nowMs: number): CallFacts {
  const text = (name: string, max?: number) => textOf(attributes, name, max);
  const refusal = readRefusal(attributes);
  const denied = text('decision') === 'deny';
  const passedOn = refusal !== undefined && GUARD_STAGES.has(refusal.stage) && !denied;
  return {
    at: timeOf(timeNanos, nowMs),
    transport: transportOf(text('transport')),
    outcome: outcomeOf(refusal, passedOn, text('status') ?? numberOf(attributes, 'status')),
    durationMs: Math.max(0, numberOf(attributes, 'duration_ms') ?? 0),
    passedOn,
    ...defined({
      self: text('self', TEXT.id),
      peer: text('peer', TEXT.id),
      operation: text('operation', TEXT.name),
      selfSerial: text('self_serial', TEXT.name),
      txn: text('txn', TEXT.name),
      decisionId: text('decision_id', TEXT.name),
      // A refusal that is passed on brings its own rule in the place of this call's.
      rule: passedOn ? undefined : text('rule', TEXT.name),
      reason: text('reason', TEXT.name),
      traceId,
      spanId,
      refusal,
    }),
  };
}

/** Undefined where the record is of no refusal. */
export function readRefusal(attributes: LogRecord['attributes']): RefusalFacts | undefined {
  const text = (name: string) => textOf(attributes, name);
  const [stage, code] = [text('stage'), text('code')];
  if (stage === undefined || code === undefined) return undefined;
  const [rule, expected, got, remedy] = [text('rule'), text('expected'), text('got'), text('remedy')];
  return { stage, code, ...defined({ rule, expected, got, remedy }) };
}

/** One of the closed list, whatever was sent. */
export function transportOf(text: string | undefined): Transport {
  return isTransport(text) ? text : 'tls';
}

function isTransport(text: string | undefined): text is Transport {
  return text !== undefined && TRANSPORTS.has(text);
}

function outcomeOf(refusal: RefusalFacts | undefined, passedOn: boolean, status: string | number | undefined): Outcome {
  if (refusal === undefined) return failed(status) ? 'error' : 'allow';
  if (passedOn || refusal.stage === 'handler') return 'error';
  return refusal.stage === 'policy' ? 'deny' : 'refused';
}

/** The faults of a server: what the caller did wrong is no failure of the edge. */
const GRPC_FAULTS: ReadonlySet<string> = new Set([
  'UNKNOWN',
  'DEADLINE_EXCEEDED',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
]);

function failed(status: string | number | undefined): boolean {
  return typeof status === 'number' ? status >= 500 : GRPC_FAULTS.has(status ?? '');
}
