/**
 * Where everything stands: ranks by dagre, in the order of {@link tell}, so that the same topology always looks the same.
 * Sizes are pixels of the drawing, which is then scaled to the room there is.
 */
import { layout as dagreLayout, type EdgeLabel, Graph, type GraphLabel, type NodeLabel } from '@dagrejs/dagre';
import { type NodeKind, spine, type Told } from './topology.ts';

export type Direction = 'across' | 'down';

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Layout {
  readonly nodes: ReadonlyMap<string, Box>;
  /** Of the labels, by the call's key. */
  readonly labels: ReadonlyMap<string, Box>;
  readonly width: number;
  readonly height: number;
}

interface Size {
  readonly width: number;
  readonly height: number;
}

/** From top to bottom, on a phone, what stands side by side is narrower. */
const sizes: Readonly<Record<Direction, Readonly<Record<NodeKind | 'label', Size>>>> = {
  across: {
    service: { width: 206, height: 134 },
    peer: { width: 142, height: 78 },
    outside: { width: 92, height: 84 },
    label: { width: 106, height: 62 },
  },
  down: {
    service: { width: 206, height: 134 },
    peer: { width: 116, height: 78 },
    outside: { width: 92, height: 84 },
    label: { width: 106, height: 62 },
  },
};

export function layOut(told: readonly Told[], direction: Direction): Layout {
  const size = sizes[direction];
  const graph = new Graph<GraphLabel, NodeLabel, EdgeLabel>({ multigraph: true });
  graph.setGraph({
    rankdir: direction === 'across' ? 'LR' : 'TB',
    nodesep: direction === 'across' ? 26 : 16,
    edgesep: 16,
    ranksep: direction === 'across' ? 34 : 38,
  });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const item of told) if ('node' in item) graph.setNode(item.node.id, { ...size[item.node.kind] });
  for (const item of told) {
    if ('call' in item) graph.setEdge(item.call.from, item.call.to, { ...size.label, labelpos: 'c' }, item.call.key);
  }
  dagreLayout(graph, { corePath: [...spine(told)], disableOptimalOrderHeuristic: true });
  return read(graph, told, size.label);
}

function read(
  graph: InstanceType<typeof Graph<GraphLabel, NodeLabel, EdgeLabel>>,
  told: readonly Told[],
  label: Size,
): Layout {
  const nodes = new Map<string, Box>();
  const labels = new Map<string, Box>();
  for (const item of told) {
    if ('node' in item) nodes.set(item.node.id, boxOf(graph.node(item.node.id)));
    else labels.set(item.call.key, boxOf({ ...graph.edge(item.call.from, item.call.to, item.call.key), ...label }));
  }
  const boxes = [...nodes.values(), ...labels.values()];
  const left = Math.min(0, ...boxes.map(({ x }) => x));
  const top = Math.min(0, ...boxes.map(({ y }) => y));
  const moved = (all: ReadonlyMap<string, Box>) =>
    new Map([...all].map(([id, box]) => [id, { ...box, x: box.x - left, y: box.y - top }]));
  return {
    nodes: moved(nodes),
    labels: moved(labels),
    width: Math.max(0, ...boxes.map(({ x, width }) => x + width)) - left,
    height: Math.max(0, ...boxes.map(({ y, height }) => y + height)) - top,
  };
}

/** dagre has centres. */
function boxOf({ x = 0, y = 0, width, height }: { x?: number; y?: number; width: number; height: number }): Box {
  return { x: x - width / 2, y: y - height / 2, width, height };
}
