/** Decisions as the services' decision logs have them: records named `authz.decision`, their body OPA's event. */
import type { DecidedInput } from '@countersign/local-stack/control';
import type { LogRecord, PlainValue } from '@countersign/otlp-receiver';
import type { DecisionDetail, DecisionSummary } from '../wire/model.ts';
import { asText, defined, fieldOf, timeOf } from './facts.ts';
import { createHistory } from './history.ts';
import { LIMITS, TEXT } from './limits.ts';
import type { Revision } from './revision.ts';
import { createTracked, type Tracked } from './tracked.ts';

export interface Decisions {
  readonly tracked: Tracked<DecisionSummary>;
  readonly bytes: number;
  add(record: LogRecord, nowMs: number): void;
  find(id: string): DecisionDetail | undefined;
  /** What the decisions that are kept were made on, the newest first. */
  recent(): readonly DecidedInput[];
}

export function createDecisions(revision: Revision): Decisions {
  const tracked = createTracked<DecisionSummary>(revision);
  const onForget = (id: string) => tracked.delete(id);
  // As text: an event is one object in memory then, and its size is known.
  const history = (maxEntries: number) =>
    createHistory<string>({ maxEntries, maxBytes: LIMITS.bytesOfDecisions, onForget });
  const letIn = history(LIMITS.decisionsLetIn);
  const others = history(LIMITS.decisionsOther);
  const eventOf = (id: string) => letIn.get(id) ?? others.get(id);
  return {
    tracked,
    get bytes() {
      return letIn.bytes + others.bytes;
    },
    add(record, nowMs) {
      const summary = summaryOf(record, nowMs);
      if (summary === undefined || tracked.get(summary.id) !== undefined) return;
      const event = textOfEvent(record.body);
      tracked.set(summary.id, summary);
      (summary.allow ? letIn : others).put(summary.id, event, event.length);
    },
    find(id) {
      const [summary, event] = [tracked.get(id), eventOf(id)];
      return summary === undefined || event === undefined ? undefined : { ...summary, event: JSON.parse(event) };
    },
    recent: () =>
      newestFirst(tracked.values()).flatMap(({ id }) => {
        const event = eventOf(id);
        return event === undefined ? [] : decidedInput(id, JSON.parse(event));
      }),
  };
}

function newestFirst(summaries: DecisionSummary[]): DecisionSummary[] {
  return summaries.sort((left, right) => right.at - left.at);
}

function summaryOf({ body, timeNanos, traceId }: LogRecord, nowMs: number): DecisionSummary | undefined {
  const text = (...path: readonly string[]) => asText(fieldOf(body, ...path), TEXT.id);
  const id = asText(fieldOf(body, 'decision_id'), TEXT.name);
  if (id === undefined) return undefined;
  return {
    id,
    at: timeOf(timeNanos, nowMs),
    allow: fieldOf(body, 'result', 'allow') === true,
    ...defined({
      rule: text('result', 'rule'),
      reason: text('result', 'reason') ?? text('error', 'code'),
      self: text('input', 'self', 'spiffe_id'),
      peer: text('input', 'peer', 'spiffe_id'),
      operation: text('input', 'operation'),
      traceId,
    }),
  };
}

function textOfEvent(body: PlainValue): string {
  const text = JSON.stringify(body);
  return text.length <= LIMITS.bytesOfDecision
    ? text
    : JSON.stringify({ left_out: `an event of ${text.length} characters` });
}

function decidedInput(decisionId: string, event: PlainValue): DecidedInput[] {
  const [input, result] = [fieldOf(event, 'input'), fieldOf(event, 'result')];
  if (input === undefined || result === undefined) return [];
  const hidden = [fieldOf(event, 'erased'), fieldOf(event, 'masked')].flatMap((paths) =>
    Array.isArray(paths) ? paths.flatMap((path: PlainValue) => asText(path) ?? []) : [],
  );
  return [{ decisionId, input, result, hidden }];
}
