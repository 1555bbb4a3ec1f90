/** What can be inspected: workloads, the latest traces, the latest decisions. The lists hold still while one reads them. */
import { memo, type ReactNode, useState } from 'react';
import { useShallow } from 'zustand/react/shallow';
import type { DecisionSummary, TraceSummary } from '../../../src/wire/model.ts';
import { Button, lastSegment, milliseconds, OutcomeTag, Section, StateTag, Term, Time } from '../design/index.ts';
import { useHeld } from '../design/use-held.ts';
import { useLive } from '../live/index.ts';
import { useShell } from '../shell/shell-store.ts';
import { Pick } from './pick.tsx';

const FIRST = 6;
const MORE = 24;

export function Chooser() {
  return (
    <div className="stack">
      <p className="muted small">
        Choose something here, or press a service, a call or a refusal anywhere on the page.
      </p>
      <Workloads />
      <Traces />
      <Decisions />
    </div>
  );
}

function Workloads() {
  const workloads = useLive(
    useShallow((live) => [...live.workloads.values()].filter(({ trustDomain }) => trustDomain !== '')),
  );
  const inspect = useShell((shell) => shell.inspect);
  if (workloads.length === 0) return null;
  return (
    <Section title="Workloads">
      <ul className="picks">
        {workloads.map(({ id, name, state }) => (
          <Pick
            key={id}
            onPress={() => inspect({ kind: 'workload', id })}
            title={name}
            after={<StateTag state={state} />}
          />
        ))}
      </ul>
    </Section>
  );
}

function Traces() {
  const traces = useLive((live) => live.traces);
  return (
    <HeldList
      title="Latest traces"
      lead={
        <>
          A <Term id="trace" /> is one request through all services.
        </>
      }
      items={traces}
      keyOf={({ traceId }) => traceId}
      empty="None yet: place an order."
      render={(trace) => <TracePick trace={trace} />}
    />
  );
}

const TracePick = memo(function TracePick({ trace }: { readonly trace: TraceSummary }) {
  const inspect = useShell((shell) => shell.inspect);
  const { traceId, name, startedAt, durationMs, spans, outcome } = trace;
  return (
    <Pick
      onPress={() => inspect({ kind: 'trace', traceId })}
      before={<Time at={startedAt} />}
      title={name}
      detail={`${spans} spans · ${milliseconds(durationMs)}`}
      after={<OutcomeTag outcome={outcome} />}
    />
  );
});

function Decisions() {
  const decisions = useLive((live) => live.decisions);
  return (
    <HeldList
      title="Latest decisions"
      lead={
        <>
          A <Term id="decision" /> is the <Term id="policy">policy’s</Term> answer to one request.
        </>
      }
      items={decisions}
      keyOf={({ id }) => id}
      empty="None yet: place an order."
      render={(decision) => <DecisionPick decision={decision} />}
    />
  );
}

const DecisionPick = memo(function DecisionPick({ decision }: { readonly decision: DecisionSummary }) {
  const inspect = useShell((shell) => shell.inspect);
  const { id, at, allow, self, peer, operation } = decision;
  return (
    <Pick
      onPress={() => inspect({ kind: 'decision', id })}
      before={<Time at={at} />}
      title={`${lastSegment(peer ?? 'nobody')} → ${lastSegment(self ?? 'unknown')}`}
      detail={operation}
      after={<OutcomeTag outcome={allow ? 'allow' : 'deny'} />}
    />
  );
});

interface HeldListProps<T> {
  readonly title: string;
  readonly lead: ReactNode;
  readonly items: readonly T[];
  readonly keyOf: (item: T) => string;
  readonly empty: string;
  readonly render: (item: T) => ReactNode;
}

function HeldList<T>({ title, lead, items, keyOf, empty, render }: HeldListProps<T>) {
  const { held, holdProps } = useHeld(items, keyOf);
  const [limit, setLimit] = useState(FIRST);
  return (
    <Section title={title} lead={held.length === 0 ? empty : lead}>
      <div {...holdProps}>
        <ul className="picks">
          {held.slice(0, limit).map((item) => (
            <Keyed key={keyOf(item)}>{render(item)}</Keyed>
          ))}
        </ul>
        {held.length > limit && (
          <Button variant="quiet" size="s" onPress={() => setLimit(limit + MORE)}>
            {`Show more (${held.length - limit})`}
          </Button>
        )}
      </div>
    </Section>
  );
}

function Keyed({ children }: { readonly children: ReactNode }) {
  return children;
}
