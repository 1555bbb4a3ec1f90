/** An octagon with a bar, across the border of the workload that refused: stopped here. */
import type { Direction } from './layout.ts';
import type { Line, Point } from './path.ts';

/** From the line's end into the node's border. */
const INTO = 1;

export function StopMark({ x, y }: Point) {
  return (
    <svg aria-hidden="true" className="stop-mark" viewBox="-11 -11 22 22" style={{ left: x, top: y }}>
      <polygon points="-4,-9.5 4,-9.5 9.5,-4 9.5,4 4,9.5 -4,9.5 -9.5,4 -9.5,-4" />
      <rect x="-5" y="-1.5" width="10" height="3" rx="1" />
    </svg>
  );
}

/** Where it stands when the caller refused, and when the called one did; from the label's corner. */
export interface Stops {
  readonly atCaller: Point;
  readonly atCalled: Point;
}

export function stopsOf({ start, end }: Line, label: Point, direction: Direction): Stops {
  const move = ({ x, y }: Point, by: number): Point =>
    direction === 'across' ? { x: x + by - label.x, y: y - label.y } : { x: x - label.x, y: y + by - label.y };
  return { atCaller: move(start, -INTO), atCalled: move(end, INTO) };
}
