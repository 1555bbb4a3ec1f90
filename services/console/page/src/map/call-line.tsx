/** A line of the map: coloured by the last decision, with an arrow. */
import type { Edge, EdgeProps } from '@xyflow/react';
import { memo } from 'react';
import { outcomeLooks } from '../design/index.ts';
import type { Direction } from './layout.ts';
import type { Line, Point } from './path.ts';
import { isRefused, useCall, useIsPale } from './use-call.ts';

type CallEdge = Edge<{ readonly line: Line | undefined; readonly direction: Direction }, 'call'>;

export const CallLine = memo(function CallLine({ id, data }: EdgeProps<CallEdge>) {
  const call = useCall(id);
  const pale = useIsPale(call.edge);
  const line = data?.line;
  if (!call.edge || !line) return null;
  const { tone } = outcomeLooks[call.edge.last.outcome];
  const moving = call.edge.perSecond > 0 && !isRefused(call);
  return (
    <g className={`line line-${tone}`} data-pale={pale || undefined}>
      <path className="line-path" d={line.path} />
      {moving && <path className="line-moving" d={line.path} />}
      <path className="line-arrow" d={arrow(line.end, data.direction)} />
    </g>
  );
});

function arrow({ x, y }: Point, direction: Direction): string {
  return direction === 'across'
    ? `M${x - 8},${y - 4.5} L${x},${y} L${x - 8},${y + 4.5}`
    : `M${x - 4.5},${y - 8} L${x},${y} L${x + 4.5},${y - 8}`;
}
