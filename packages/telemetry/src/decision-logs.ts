/**
 * Decisions as OpenTelemetry log records: one event each, with the decision as the body and what people search by as
 * attributes, in the context of the span that it was made in. Sent by whatever logger provider the process has.
 */
import { type AnyValue, logs, SeverityNumber } from '@opentelemetry/api';
import { ATTRIBUTES } from './attributes.ts';

/** An event of the decision log in OPA's shape, after masking; only what is read here is named. */
export interface DecisionLogEvent {
  readonly decision_id: string;
  /** RFC 3339. */
  readonly timestamp: string;
  readonly input?: unknown;
  readonly result?: unknown;
  readonly error?: { readonly code: string; readonly message: string };
}

/** The event's name: all its records have one shape, OPA's `EventV1`. */
const EVENT_NAME = 'authz.decision';
/** Names the records' scope. */
const SCOPE = 'countersign.authz';
/** Input is bounded by its schema and by HTTP; deeper than this is no decision of ours. */
const MAX_LEVELS = 32;

/**
 * Emits one decision. A refusal is a warning, a failure to decide an error.
 * @returns `false` when no logger provider would take it
 */
export function emitDecisionLog(event: DecisionLogEvent): boolean {
  const logger = logs.getLogger(SCOPE);
  const allow = textOf(event.result, 'allow') === 'true';
  const severityNumber = severityOf(event, allow);
  if (!logger.enabled({ severityNumber, eventName: EVENT_NAME })) return false;
  logger.emit({
    eventName: EVENT_NAME,
    timestamp: new Date(event.timestamp),
    severityNumber,
    severityText: SeverityNumber[severityNumber],
    body: anyValueOf(event, 0),
    attributes: {
      [ATTRIBUTES.decision]: allow ? 'allow' : 'deny',
      [ATTRIBUTES.decisionId]: event.decision_id,
      [ATTRIBUTES.rule]: textOf(event.result, 'rule'),
      [ATTRIBUTES.selfId]: textOf(event.input, 'self', 'spiffe_id'),
      [ATTRIBUTES.peerId]: textOf(event.input, 'peer', 'spiffe_id'),
      'error.type': event.error?.code,
    },
  });
  return true;
}

function severityOf({ error }: DecisionLogEvent, allow: boolean): SeverityNumber {
  if (error !== undefined) return SeverityNumber.ERROR;
  return allow ? SeverityNumber.INFO : SeverityNumber.WARN;
}

/** From the masked event, so that an attribute never shows what the body does not. */
function textOf(value: unknown, ...names: readonly string[]): string | undefined {
  const found = names.reduce<unknown>(
    (node, name) =>
      typeof node === 'object' && node !== null ? Object.getOwnPropertyDescriptor(node, name)?.value : undefined,
    value,
  );
  return typeof found === 'string' || typeof found === 'boolean' ? String(found) : undefined;
}

/** A copy: the record is sent later, and shows what was decided. */
function anyValueOf(value: unknown, level: number): AnyValue {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  if (typeof value !== 'object' || value === null || level > MAX_LEVELS) return null;
  if (Array.isArray(value)) return value.map((entry: unknown) => anyValueOf(entry, level + 1));
  const entries = Object.entries(value).filter(([, entry]) => entry !== undefined);
  return Object.fromEntries(entries.map(([name, entry]) => [name, anyValueOf(entry, level + 1)]));
}
