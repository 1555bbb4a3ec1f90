/** The lines of the map: from a node to the label, and from the label to the other node, without a kink. */
import type { Box, Direction, Layout } from './layout.ts';
import type { MapCall } from './topology.ts';

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Line {
  /** Of an SVG path. */
  readonly path: string;
  readonly start: Point;
  readonly end: Point;
}

/** Free between a line's end and its node, for the arrow. */
const GAP = 3;

/** The lines of all calls by their keys. Those that meet at one side of a node share it in the order of their labels. */
export function drawLines(calls: readonly MapCall[], layout: Layout, direction: Direction): ReadonlyMap<string, Line> {
  const lines = new Map<string, Line>();
  for (const call of calls) {
    const from = layout.nodes.get(call.from);
    const to = layout.nodes.get(call.to);
    const label = layout.labels.get(call.key);
    if (!from || !to || !label) continue;
    const leaving = labelsOf(
      calls.filter((other) => other.from === call.from),
      layout,
    );
    const arriving = labelsOf(
      calls.filter((other) => other.to === call.to),
      layout,
    );
    const start = onSide(from, label, share(from, label, leaving, direction), direction);
    const end = onSide(to, label, share(to, label, arriving, direction), direction);
    lines.set(call.key, { path: curve(start, label, end, direction), start, end });
  }
  return lines;
}

function labelsOf(calls: readonly MapCall[], layout: Layout): readonly Box[] {
  return calls.flatMap(({ key }) => layout.labels.get(key) ?? []);
}

function centre({ x, y, width, height }: Box): Point {
  return { x: x + width / 2, y: y + height / 2 };
}

/** A label this close to the middle of its node's side is in line with it. */
const IN_LINE = 2;

/** From 0 to 1 along the side: the middle for a label in line with the node, else its part of the half that it lies towards. */
function share(node: Box, label: Box, sharing: readonly Box[], direction: Direction): number {
  const aside = (box: Box) =>
    direction === 'across' ? centre(box).y - centre(node).y : centre(box).x - centre(node).x;
  const own = aside(label);
  if (Math.abs(own) <= IN_LINE) return 0.5;
  const sameHalf = sharing.map(aside).filter((one) => Math.abs(one) > IN_LINE && Math.sign(one) === Math.sign(own));
  const nearer = sameHalf.filter((one) => Math.abs(one) < Math.abs(own)).length;
  return 0.5 + Math.sign(own) * 0.5 * ((nearer + 1) / (sameHalf.length + 1));
}

function onSide({ x, y, width, height }: Box, label: Box, at: number, direction: Direction): Point {
  const towards = centre(label);
  if (direction === 'across') {
    const right = towards.x > x + width / 2;
    return { x: right ? x + width + GAP : x - GAP, y: y + height * at };
  }
  const below = towards.y > y + height / 2;
  return { x: x + width * at, y: below ? y + height + GAP : y - GAP };
}

/** To the label's near side and on from its far side: the label itself stays free. */
function curve(start: Point, label: Box, end: Point, direction: Direction): string {
  const { x, y } = centre(label);
  const half = direction === 'across' ? label.width / 2 : label.height / 2;
  const [ahead, behind] =
    direction === 'across'
      ? [Math.sign(x - start.x), Math.sign(end.x - x)]
      : [Math.sign(y - start.y), Math.sign(end.y - y)];
  const into = direction === 'across' ? { x: x - ahead * half, y } : { x, y: y - ahead * half };
  const out = direction === 'across' ? { x: x + behind * half, y } : { x, y: y + behind * half };
  return `M${start.x},${start.y} ${bend(start, into, direction)} M${out.x},${out.y} ${bend(out, end, direction)}`;
}

function bend(a: Point, b: Point, direction: Direction): string {
  const half = { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 };
  return direction === 'across'
    ? `C${half.x},${a.y} ${half.x},${b.y} ${b.x},${b.y}`
    : `C${a.x},${half.y} ${b.x},${half.y} ${b.x},${b.y}`;
}
