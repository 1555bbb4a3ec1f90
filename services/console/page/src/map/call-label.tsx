/** What stands on a line of the map: what became of the last call, over what, how often and how fast; and where it was stopped. */
import type { Node, NodeProps } from '@xyflow/react';
import { memo } from 'react';
import { Button, TooltipTrigger } from 'react-aria-components';
import type { Edge } from '../../../src/wire/model.ts';
import { lastSegment, outcomeLooks, Tip } from '../design/index.ts';
import { useShell } from '../shell/shell-store.ts';
import { StopMark, type Stops } from './stop-mark.tsx';
import { type Call, callerRefused, isRefused, useCall, useIsPale } from './use-call.ts';
import { briefLatency, rate, refusalWords, transportsOf } from './words.ts';
import './call.css';

type LabelNode = Node<{ readonly stops: Stops }, 'call'>;

export const CallLabel = memo(function CallLabel({ id, data }: NodeProps<LabelNode>) {
  const call = useCall(id);
  const pale = useIsPale(call.edge);
  const inspect = useShell((shell) => shell.inspect);
  const { edge } = call;
  if (!edge) return null;
  return (
    <>
      <TooltipTrigger delay={150}>
        <Button
          className={`call call-${outcomeLooks[edge.last.outcome].tone}`}
          data-outcome={edge.last.outcome}
          data-pale={pale || undefined}
          onPress={() => inspect({ kind: 'edge', key: edge.key })}
        >
          <Words {...call} edge={edge} />
        </Button>
        <Tip>
          <CallTip {...call} />
        </Tip>
      </TooltipTrigger>
      {isRefused(call) && <StopMark {...(callerRefused(call) ? data.stops.atCaller : data.stops.atCalled)} />}
    </>
  );
});

/** What is seen, with words between that are only heard: together the button's name. */
function Words({ edge, refusal }: Call & { readonly edge: Edge }) {
  const { icon: Icon, word } = outcomeLooks[edge.last.outcome];
  return (
    <>
      <Heard>{`${lastSegment(edge.from)} to ${lastSegment(edge.to)}, `}</Heard>
      <span className="call-outcome">
        <Icon aria-hidden />
        <span>
          {word}
          <Comma />
        </span>
      </span>
      <span className="call-transport">
        {transportsOf(edge)}
        <Comma />
      </span>
      <Figures edge={edge} more={refusal !== undefined} />
      {refusal && <Heard>{refusalWords(refusal)}</Heard>}
    </>
  );
}

function Heard({ children }: { readonly children: string }) {
  return <span className="visually-hidden">{children}</span>;
}

/** Heard only, and right behind the word: what is positioned off the screen would have a space before it. */
function Comma() {
  return <span className="call-comma">, </span>;
}

function Figures({ edge, more }: { readonly edge: Edge; readonly more: boolean }) {
  const latency = briefLatency(edge);
  return (
    <span className="call-figures">
      {edge.perSecond > 0 && <b>{rate(edge.perSecond)}/s</b>} {latency ?? (edge.perSecond > 0 ? '' : 'idle')}
      {more && <Comma />}
    </span>
  );
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
