/** A refusal from close by: who, where, by which rule, and what would help. */
import type { Refusal } from '../../../src/wire/model.ts';
import { Empty, type Fact, Facts, lastSegment, Section, SpiffeId, Tag, Term, Time } from '../design/index.ts';
import { Prose } from '../design/prose.tsx';
import { useLive } from '../live/index.ts';
import { TraceButton } from './call-view.tsx';
import { DecisionView } from './decision-view.tsx';

/** How sure it is who was refused. */
const certainties: Readonly<Record<Refusal['peerIs'], string>> = {
  verified: 'verified by its certificate',
  claimed: 'as it called itself: its certificate was not accepted',
  unknown: 'it showed no certificate',
};

export function RefusalView({ seq }: { readonly seq: number }) {
  const refusal = useLive((live) => live.refusals.find((one) => one.seq === seq));
  if (!refusal)
    return (
      <Empty title="This refusal is forgotten.">The page keeps the latest ones; the service’s log has them all.</Empty>
    );
  const { self, peer, traceId, decisionId } = refusal;
  return (
    <>
      <Section
        title={`${lastSegment(self)} refused ${peer ? lastSegment(peer) : 'a caller without a name'}`}
        actions={<TraceButton traceId={traceId} />}
      >
        <RefusalFacts refusal={refusal} />
      </Section>
      {decisionId && <DecisionView id={decisionId} inPlace />}
    </>
  );
}

export function RefusalFacts({ refusal }: { readonly refusal: Refusal }) {
  return <Facts facts={factsOf(refusal)} />;
}

function factsOf(refusal: Refusal): readonly Fact[] {
  const { at, stage, code, rule, expected, got, remedy, self, peer, peerIs, transport, role, operation } = refusal;
  return [
    { id: 'at', name: 'When', value: <Time at={at} /> },
    { id: 'stage', name: 'Stage', value: <Tag tone="bad">{stage}</Tag> },
    { id: 'code', name: 'Code', value: <code>{code}</code> },
    { id: 'rule', name: <Term id="rule">Rule</Term>, value: rule },
    { id: 'expected', name: 'Expected', value: expected && <code>{expected}</code> },
    { id: 'got', name: 'Got', value: got && <code>{got}</code> },
    { id: 'remedy', name: 'Remedy', value: remedy && <Prose>{remedy}</Prose> },
    { id: 'self', name: 'Who refused', value: <SpiffeId id={self} plain whole /> },
    { id: 'peer', name: 'Who was refused', value: peer && <SpiffeId id={peer} plain whole /> },
    { id: 'sure', name: 'How sure that is', value: certainties[peerIs] },
    { id: 'transport', name: 'Over', value: transport },
    { id: 'role', name: 'It refused as', value: role === 'server' ? 'the one called' : 'the one calling' },
    { id: 'operation', name: 'Operation', value: operation && <code>{operation}</code> },
  ];
}
