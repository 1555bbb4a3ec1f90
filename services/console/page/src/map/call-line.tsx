/** A line of the map: coloured by the last decision, with an arrow, and with a stop mark at the side that refused. */
import type { Edge, EdgeProps } from '@xyflow/react';
import { memo } from 'react';
import { outcomeLooks } from '../design/index.ts';
import type { Direction } from './layout.ts';
import type { Line, Point } from './path.ts';
import { callerRefused, isRefused, useCall, useIsPale } from './use-call.ts';

type CallEdge = Edge<{ readonly line: Line; readonly direction: Direction }, 'call'>;

/** From the line's end to the middle of the mark, which lies across the node's border: there it was stopped. */
const MARK_AT = 4;

export const CallLine = memo(function CallLine({ id, data }: EdgeProps<CallEdge>) {
  const call = useCall(id);
  const pale = useIsPale(call.edge);
  if (!call.edge || !data) return null;
  const { line, direction } = data;
  const { tone } = outcomeLooks[call.edge.last.outcome];
  const moving = call.edge.perSecond > 0 && !isRefused(call);
  return (
    <g className={`line line-${tone}`} data-pale={pale || undefined}>
      <path className="line-path" d={line.path} />
      {moving && <path className="line-moving" d={line.path} />}
      <path className="line-arrow" d={arrow(line.end, direction)} />
      {isRefused(call) && <Stop at={markAt(line, callerRefused(call), direction)} />}
    </g>
  );
});

/** An octagon with a bar: stopped here. */
function Stop({ at }: { readonly at: Point }) {
  return (
    <g className="line-stop" transform={`translate(${at.x} ${at.y})`}>
      <polygon points="-4,-9.5 4,-9.5 9.5,-4 9.5,4 4,9.5 -4,9.5 -9.5,4 -9.5,-4" />
      <rect x="-5" y="-1.5" width="10" height="3" rx="1" />
    </g>
  );
}

function markAt({ start, end }: Line, atCaller: boolean, direction: Direction): Point {
  const { x, y } = atCaller ? start : end;
  const away = atCaller ? MARK_AT : -MARK_AT;
  return direction === 'across' ? { x: x + away, y } : { x, y: y + away };
}

function arrow({ x, y }: Point, direction: Direction): string {
  return direction === 'across'
    ? `M${x - 8},${y - 4.5} L${x},${y} L${x - 8},${y + 4.5}`
    : `M${x - 4.5},${y - 8} L${x},${y} L${x + 4.5},${y - 8}`;
}
