/** Who called whom: how often, and the last call in full, with its verified chain, its decision and its refusal. */
import { Waypoints } from 'lucide-react';
import type { Edge, LastCall } from '../../../src/wire/model.ts';
import {
  Button,
  Empty,
  type Fact,
  Facts,
  lastSegment,
  milliseconds,
  OutcomeTag,
  Section,
  Term,
  Time,
} from '../design/index.ts';
import { useLive } from '../live/index.ts';
import { rate, transportsOf } from '../map/words.ts';
import { useShell } from '../shell/shell-store.ts';
import { Chain } from './chain.tsx';
import { DecisionView } from './decision-view.tsx';
import { RefusalFacts } from './refusal-view.tsx';

export function CallView({ edgeKey }: { readonly edgeKey: string }) {
  const edge = useLive((live) => live.edges.get(edgeKey));
  const refusal = useLive((live) => live.refusals.find(({ seq }) => seq === edge?.last.refusalSeq));
  if (!edge) return <Empty title="This call is no longer known.">Nobody has made it for a while.</Empty>;
  const { last } = edge;
  return (
    <>
      <Section
        title={`${lastSegment(edge.from)} → ${lastSegment(edge.to)}`}
        actions={<OutcomeTag outcome={last.outcome} />}
        lead={`${edge.calls} calls, ${edge.refused} of them refused, since the console started.`}
      >
        <Facts facts={figuresOf(edge)} />
      </Section>
      <Section title="Its last call" actions={<TraceButton traceId={last.traceId} />}>
        <Facts facts={factsOf(last)} />
        {last.chain && last.chain.length > 0 && <Chain ids={last.chain} self={edge.to} />}
      </Section>
      {refusal && (
        <Section title="Why it was refused">
          <RefusalFacts refusal={refusal} />
        </Section>
      )}
      {last.decisionId && <DecisionView key={last.decisionId} id={last.decisionId} inPlace />}
    </>
  );
}

function figuresOf(edge: Edge): readonly Fact[] {
  return [
    { id: 'over', name: 'Over', value: transportsOf(edge) },
    { id: 'rate', name: 'Calls a second', value: rate(edge.perSecond) },
    {
      id: 'p50',
      name: <Term id="percentile">p50</Term>,
      value: edge.p50Ms === undefined ? undefined : milliseconds(edge.p50Ms),
    },
    {
      id: 'p95',
      name: <Term id="percentile">p95</Term>,
      value: edge.p95Ms === undefined ? undefined : milliseconds(edge.p95Ms),
    },
  ];
}

function factsOf(last: LastCall): readonly Fact[] {
  return [
    { id: 'at', name: 'When', value: <Time at={last.at} /> },
    { id: 'operation', name: 'Operation', value: last.operation && <code>{last.operation}</code> },
    { id: 'rule', name: <Term id="rule">Rule</Term>, value: last.rule },
    { id: 'reason', name: 'Reason', value: last.reason },
    { id: 'txn', name: 'Transaction', value: last.txn && <code>{last.txn}</code> },
  ];
}

export function TraceButton({ traceId }: { readonly traceId: string | undefined }) {
  const inspect = useShell((shell) => shell.inspect);
  if (traceId === undefined) return null;
  return (
    <Button size="s" icon={Waypoints} onPress={() => inspect({ kind: 'trace', traceId })}>
      Trace
    </Button>
  );
}
