/** The Inspect tab: one workload, call, trace, decision or refusal from close by; or the list of what there is. */
import { ArrowLeft } from 'lucide-react';
import { Button, lastSegment } from '../design/index.ts';
import { type Selection, useShell } from '../shell/shell-store.ts';
import { CallView } from './call-view.tsx';
import { Chooser } from './chooser.tsx';
import { DecisionView } from './decision-view.tsx';
import { RefusalView } from './refusal-view.tsx';
import { TraceView } from './trace-view.tsx';
import { WorkloadView } from './workload-view.tsx';
import './inspect.css';

export default function InspectTab() {
  const selection = useShell((shell) => shell.selection);
  const inspect = useShell((shell) => shell.inspect);
  if (!selection) return <Chooser />;
  return (
    <div className="stack">
      <div>
        <Button variant="quiet" size="s" icon={ArrowLeft} onPress={() => inspect(undefined)}>
          All there is
        </Button>
      </div>
      <p role="status" className="visually-hidden">
        Inspect shows {nameOf(selection)}
      </p>
      <Selected selection={selection} />
    </div>
  );
}

/** For who can't see that a press elsewhere has changed this tab. */
function nameOf(selection: Selection): string {
  switch (selection.kind) {
    case 'workload':
      return lastSegment(selection.id);
    case 'edge':
      return selection.key.split('>').map(lastSegment).join(' to ');
    default:
      return `a ${selection.kind}`;
  }
}

/** Keyed, so that nothing of one is shown under the name of another. */
function Selected({ selection }: { readonly selection: Selection }) {
  switch (selection.kind) {
    case 'workload':
      return <WorkloadView key={selection.id} id={selection.id} />;
    case 'edge':
      return <CallView key={selection.key} edgeKey={selection.key} />;
    case 'trace':
      return <TraceView key={selection.traceId} traceId={selection.traceId} />;
    case 'decision':
      return <DecisionView key={selection.id} id={selection.id} />;
    case 'refusal':
      return <RefusalView key={selection.seq} seq={selection.seq} />;
  }
}
