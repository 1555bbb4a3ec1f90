/** What stands on a line of the map: what became of the last call, over what, how often and how fast. */
import type { NodeProps } from '@xyflow/react';
import { memo } from 'react';
import { Button, TooltipTrigger } from 'react-aria-components';
import type { Edge } from '../../../src/wire/model.ts';
import { lastSegment, outcomeLooks, Tip } from '../design/index.ts';
import { useShell } from '../shell/shell-store.ts';
import { type Call, useCall, useIsPale } from './use-call.ts';
import { callName, rate, transportsOf } from './words.ts';

export const CallLabel = memo(function CallLabel({ id }: NodeProps) {
  const call = useCall(id);
  const pale = useIsPale(call.edge);
  const inspect = useShell((shell) => shell.inspect);
  const { edge, refusal } = call;
  if (!edge) return null;
  const { tone, icon: Icon, word } = outcomeLooks[edge.last.outcome];
  return (
    <TooltipTrigger delay={150}>
      <Button
        className={`call call-${tone}`}
        data-outcome={edge.last.outcome}
        data-pale={pale || undefined}
        aria-label={callName(edge, refusal)}
        onPress={() => inspect({ kind: 'edge', key: edge.key })}
      >
        <span className="call-outcome">
          <Icon aria-hidden />
          {word}
        </span>
        <span className="call-transport">{transportsOf(edge)}</span>
        <Figures edge={edge} />
      </Button>
      <Tip>
        <CallTip {...call} />
      </Tip>
    </TooltipTrigger>
  );
});

function Figures({ edge }: { readonly edge: Edge }) {
  const latency =
    edge.p50Ms !== undefined && edge.p95Ms !== undefined && `${short(edge.p50Ms)}/${short(edge.p95Ms)} ms`;
  if (edge.perSecond <= 0) return <span className="call-figures">{latency || 'idle'}</span>;
  return (
    <span className="call-figures">
      <b>{rate(edge.perSecond)}/s</b> {latency}
    </span>
  );
}

function short(ms: number): string {
  return ms >= 10 ? ms.toFixed(0) : ms.toFixed(1);
}

function CallTip({ edge, refusal }: Call) {
  if (!edge) return null;
  const { last } = edge;
  return (
    <span className="call-tip">
      <strong>
        {lastSegment(edge.from)} → {lastSegment(edge.to)}: {outcomeLooks[last.outcome].word}
      </strong>
      {last.operation && <code>{last.operation}</code>}
      {refusal && (
        <>
          <span>
            {refusal.code} by {lastSegment(refusal.self)}
          </span>
          {refusal.expected && <span>expected {refusal.expected}</span>}
          {refusal.got && <span>got {refusal.got}</span>}
        </>
      )}
      {!refusal && (last.reason ?? last.rule) && <span>{last.reason ?? last.rule}</span>}
    </span>
  );
}
