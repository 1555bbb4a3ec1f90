/** A decision of the policy: yes or no, by which rule, and the whole input it was made on. */
import type { DecisionDetail } from '../../../src/wire/model.ts';
import { api } from '../api/index.ts';
import { CopyButton, type Fact, Facts, OutcomeTag, Section, SpiffeId, Term, Time } from '../design/index.ts';
import { TraceButton } from './call-view.tsx';
import { FetchedView } from './fetched-view.tsx';
import { Json } from './json.tsx';
import { useFetched } from './use-fetched.ts';

/** @param inPlace as a part of another view, which shows the trace already */
export function DecisionView({ id, inPlace = false }: { readonly id: string; readonly inPlace?: boolean }) {
  const [fetched, again] = useFetched(id, (signal) => api.decision(id, signal));
  return (
    <FetchedView
      what="the decision"
      fetched={fetched}
      onRetry={again}
      forgotten="The console keeps the latest decisions only, and has forgotten this one. The service’s own decision log has it."
    >
      {(decision) => <Decided decision={decision} inPlace={inPlace} />}
    </FetchedView>
  );
}

function Decided({ decision, inPlace }: { readonly decision: DecisionDetail; readonly inPlace: boolean }) {
  return (
    <Section
      title="Decision"
      lead={
        <>
          What the <Term id="policy" /> answered, and what it was asked.
        </>
      }
      actions={
        <>
          <OutcomeTag outcome={decision.allow ? 'allow' : 'deny'} />
          {!inPlace && <TraceButton traceId={decision.traceId} />}
        </>
      }
    >
      <Facts facts={factsOf(decision)} />
      <Json title="Input" value={partOf(decision.event, 'input')} />
      <Json title="Result" value={partOf(decision.event, 'result')} />
    </Section>
  );
}

function factsOf(decision: DecisionDetail): readonly Fact[] {
  const { id, at, rule, reason, self, peer, operation } = decision;
  return [
    { id: 'at', name: 'When', value: <Time at={at} /> },
    { id: 'rule', name: <Term id="rule">Rule</Term>, value: rule },
    { id: 'reason', name: 'Reason', value: reason },
    { id: 'peer', name: 'Who asked', value: peer && <SpiffeId id={peer} plain whole /> },
    { id: 'self', name: 'Who decided', value: self && <SpiffeId id={self} plain whole /> },
    { id: 'operation', name: 'Operation', value: operation && <code>{operation}</code> },
    {
      id: 'id',
      name: <Term id="decision">Decision ID</Term>,
      value: (
        <span className="row">
          <code>{id}</code> <CopyButton text={id} what="the decision ID" />
        </span>
      ),
    },
  ];
}

/** The event is as the service logged it; a masked part may be missing. */
function partOf(event: unknown, name: 'input' | 'result'): unknown {
  return typeof event === 'object' && event !== null && name in event ? Reflect.get(event, name) : undefined;
}
