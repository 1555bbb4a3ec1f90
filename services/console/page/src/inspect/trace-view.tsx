/** A trace: every step of one request, as a waterfall. Fetched anew when more of its spans have come. */
import { ExternalLink } from 'lucide-react';
import type { TraceDetail } from '../../../src/wire/model.ts';
import { api } from '../api/index.ts';
import {
  CopyButton,
  type Fact,
  Facts,
  milliseconds,
  OutcomeTag,
  plural,
  Section,
  Term,
  Time,
} from '../design/index.ts';
import { useLive } from '../live/index.ts';
import { FetchedView } from './fetched-view.tsx';
import { useFetched } from './use-fetched.ts';
import { Waterfall } from './waterfall.tsx';

export function TraceView({ traceId }: { readonly traceId: string }) {
  const spans = useLive((live) => live.traces.find((trace) => trace.traceId === traceId)?.spans);
  const [fetched, again] = useFetched(`${traceId} ${spans}`, (signal) => api.trace(traceId, signal));
  return (
    <FetchedView
      what="the trace"
      fetched={fetched}
      onRetry={again}
      forgotten="The console keeps the latest traces only, and has forgotten this one."
    >
      {(trace) => <Traced trace={trace} />}
    </FetchedView>
  );
}

function Traced({ trace }: { readonly trace: TraceDetail }) {
  return (
    <Section
      title={trace.name}
      actions={<OutcomeTag outcome={trace.outcome} />}
      lead={
        <>
          {plural(trace.spans, 'step')} (<Term id="span">spans</Term>) in {milliseconds(trace.durationMs)}, through{' '}
          {trace.services.join(', ')}.
        </>
      }
    >
      <Waterfall trace={trace} />
      <Facts facts={factsOf(trace)} />
    </Section>
  );
}

function factsOf({ traceId, startedAt, txn, link }: TraceDetail): readonly Fact[] {
  return [
    {
      id: 'id',
      name: <Term id="trace">Trace ID</Term>,
      value: (
        <span className="row">
          <code>{traceId}</code> <CopyButton text={traceId} what="the trace ID" />
        </span>
      ),
    },
    { id: 'at', name: 'Began', value: <Time at={startedAt} /> },
    { id: 'txn', name: 'Transaction', value: txn && <code>{txn}</code> },
    {
      id: 'link',
      name: 'Elsewhere',
      value: link && (
        <a href={link} target="_blank" rel="noreferrer">
          Open in the trace viewer <ExternalLink aria-hidden size={14} />
        </a>
      ),
    },
  ];
}
